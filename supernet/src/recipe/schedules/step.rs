//! Steps down.

use super::ScheduleEntry;

/// Steps: `base·factor^⌊epoch / step_epochs⌋`, at least the last rate (`torch.optim.lr_scheduler.StepLR`; DARTS on ImageNet:
/// 0.97 each epoch).
pub(super) const ENTRY: ScheduleEntry = ScheduleEntry {
    name: "step",
    about: "times step_factor every step_epochs epochs (DARTS on ImageNet)",
    reads: &["final_learning_rate", "step_epochs", "step_factor"],
    rises: false,
    rate: |recipe, [base, floor], moment| {
        let steps = moment.at.min(moment.of) / recipe.step_epochs.saturating_mul(moment.per_epoch).max(1);
        (base * recipe.step_factor.powf(steps as f64)).max(floor)
    },
};

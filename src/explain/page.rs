//! An explanation as a page.

use super::facts::{Effect, Explanation, First, Importance, Replacement, Rival, Winner};
use super::text::{range, share, signed};
use crate::drawing::escape;
use crate::report::markup::{
    dash, figure, folded, foot, head, known, note, number, section, table, tiles, warning,
};
use crate::report::plots::{Measured, intervals};

/// Most rows of a chart.
const DRAWN: usize = 20;

impl Explanation {
    /// The page. It loads nothing, and every text from outside is escaped.
    pub fn page(&self) -> String {
        let title = format!("Why: search in {}", self.space);
        let mut page = head(&title, &escape(self.lead().trim_end()));
        page.push_str(&tiles(&self.figures()));
        self.remarks.iter().for_each(|remark| page.push_str(&warning(remark)));
        page.push_str(&self.operations());
        page.push_str(&self.places());
        page.push_str(&self.importance_section());
        if let Some(winner) = &self.winner {
            page.push_str(&of_winner(winner));
        }
        if let Some(first) = &self.first {
            page.push_str(&of_first(first));
        }
        page + &foot()
    }

    fn figures(&self) -> Vec<(String, String)> {
        let mut figures =
            vec![(self.counts.fitted.to_string(), "scores that the surrogate was fitted to".into())];
        figures.extend(self.tau.map(|tau| {
            (format!("{tau:.2}"), "Kendall's tau of predictions for what was left out of the fit".to_owned())
        }));
        if let Some(rival) = self.first.as_ref().and_then(|first| first.rivals.first()) {
            let label = "probability that the first is truly better than the second";
            figures.push((format!("{:.0} %", 100.0 * rival.probability), label.to_owned()));
        }
        figures
    }

    fn operations(&self) -> String {
        if self.operations.is_empty() {
            return String::new();
        }
        let caption = "Change of the predicted score when an operation takes the place of the others.";
        let chart = intervals(&self.operations.iter().map(of_effect).collect::<Vec<_>>(), "effect", "effect");
        let body = figure("operations", chart, caption) + &effects_table("operations", &self.operations);
        section("What operations do", &body)
    }

    fn places(&self) -> String {
        if self.places.len() < 2 {
            return String::new();
        }
        let rows = self.places.iter().filter_map(|place| {
            let (best, worst) = (place.effects.first()?, place.effects.last()?);
            let said = |effect: &Effect| format!("{} {}", effect.operation, signed(effect.effect.value));
            Some(vec![place.place.clone(), number(place.spread), said(best), said(worst)])
        });
        let heads = ["place", "spread of effects", "best", "worst"];
        let mut body = table("places", "Effects by place", &heads, rows);
        let each = self.places.iter().map(|place| {
            format!("<h3>{}</h3>\n{}", escape(&place.place), effects_table("place", &place.effects))
        });
        body.push_str(&folded("Every operation at every place", &each.collect::<String>()));
        section("What operations do by place", &body)
    }

    fn importance_section(&self) -> String {
        if self.importance.is_empty() {
            return String::new();
        }
        let measured = |one: &Importance| Measured {
            name: named(one),
            value: one.drop.value,
            ends: one.drop.low.zip(one.drop.high),
        };
        let rows: Vec<Measured> = self.importance.iter().take(DRAWN).map(measured).collect();
        let caption =
            "How much Kendall's tau of predictions for what was left out drops when a feature is permuted.";
        let chart = intervals(&rows, "drop of tau", "mean over permutations");
        let row = |one: &Importance| vec![named(one), signed(one.drop.value), range(&one.drop)];
        let heads = ["permuted", "drop of tau", "95 % of permutations"];
        let all = table("importance", "Importance", &heads, self.importance.iter().map(row));
        let remark =
            "Features that say the same stand in for each other, so that each of them looks less important.";
        section("What the surrogate reads", &(figure("importance", chart, caption) + &all + &note(remark)))
    }
}

fn named(one: &Importance) -> String {
    match one.kind {
        super::facts::ImportanceKind::Feature => one.name.clone(),
        super::facts::ImportanceKind::Place => format!("operation at {}", one.name),
    }
}

fn of_effect(effect: &Effect) -> Measured {
    let ends = effect.effect.low.zip(effect.effect.high);
    Measured { name: effect.operation.clone(), value: effect.effect.value, ends }
}

fn effects_table(class: &str, effects: &[Effect]) -> String {
    let row = |effect: &Effect| {
        let Effect { operation, effect, count } = effect;
        vec![operation.clone(), signed(effect.value), range(effect), count.to_string()]
    };
    table(
        class,
        "Effects of operations",
        &["operation", "effect", "95 % interval", "placements"],
        effects.iter().map(row),
    )
}

fn of_winner(winner: &Winner) -> String {
    let mut body = format!("<p class=\"code\">{}</p>\n", escape(&winner.arch));
    let score = known(winner.score);
    body.push_str(&note(&format!("Score {score}, expected {}. Key {}.", number(winner.median), winner.key)));
    if !winner.operations.is_empty() {
        let row = |one: &Replacement| {
            vec![
                one.place.clone(),
                one.operation.clone(),
                signed(one.change.value),
                range(&one.change),
                format!("{} {}", one.best, signed(one.best_change)),
            ]
        };
        let heads = ["place", "operation", "mean change with another", "95 % interval", "best other"];
        body.push_str("<h3>What its operations are worth</h3>\n");
        let label = "Operations of the winner";
        body.push_str(&table("replacements", label, &heads, winner.operations.iter().map(row)));
    }
    if !winner.neighbours.is_empty() {
        let rows = winner.neighbours.iter().map(|near| {
            let difference = near.differences.join("; ");
            let limits = if near.breaks_limit { " (breaks a limit)" } else { "" };
            let score = format!("{}{limits}", number(near.score));
            vec![near.distance.to_string(), score, difference, near.arch.clone()]
        });
        body.push_str("<h3>Nearest of what was measured</h3>\n");
        let heads = ["changes", "score", "what differs", "architecture"];
        body.push_str(&table("neighbours", "Neighbours of the winner", &heads, rows));
    }
    section("The winner", &body)
}

fn of_first(first: &First) -> String {
    let row = |rival: &Rival| {
        vec![
            rival.rank.to_string(),
            number(rival.score),
            number(rival.lead),
            number(rival.expected_lead),
            rival.noise_share.map_or_else(dash, share),
            format!("{:.3}", rival.probability),
            rival.arch.clone(),
        ]
    };
    let heads = [
        "rank",
        "score",
        "lead of the first",
        "expected lead",
        "share of noise",
        "probability that the first is truly better",
        "architecture",
    ];
    let noise = first.noise.map_or_else(String::new, |noise| {
        format!(" Noise of a measurement there has a standard deviation of {}.", number(noise))
    });
    let text = format!("The highest score is {}, of {}.{noise}", number(first.score), first.arch);
    let body = format!("<p>{}</p>\n", escape(&text))
        + &table("rivals", "The first and those after it", &heads, first.rivals.iter().map(row));
    section("Is the first truly better?", &body)
}

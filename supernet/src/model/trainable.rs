//! Which parameters of a network train, and the operations that can be chosen in it.

use super::error::{Result, SupernetError};
use super::net::Supernet;
use super::operation::{Affine, Operation, OperationNorm};

/// Which parameters of a network train; the others keep their random initial values.
///
/// What follows each operation is a matter of the network's [`bonas_spaces::network::Norm`]: with
/// `Norm::DISCRETE` convolutions alone end in a BatchNorm, as in BN-NAS; with `Norm::UNBIASED` every
/// operation does, as in BNNAS++.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trainable {
    /// All of them.
    #[default]
    All,
    /// Scale and shift of the last BatchNorm of every operation that can be chosen (BN-NAS, Chen et
    /// al. 2021: supernet/main.py freezes all but `conv.7`).
    OperationNorms {
        /// Whether the classifier trains too; as published it does not.
        classifier: bool,
    },
    /// Scale and shift of every BatchNorm, those of stem and head too.
    Norms {
        /// Whether the classifier trains too.
        classifier: bool,
    },
    /// All but what is before the first cell, whose batch normalisations keep their running statistics.
    AllButStem,
    /// The classifier alone, which is the last linear layer; all batch normalisations keep their running
    /// statistics.
    Classifier,
}

impl Supernet {
    /// Freezes all parameters but these: backward computes no gradient of the others, paths leave
    /// them out, and no optimiser moves them. Paths made before are of no use any more.
    ///
    /// # Errors
    /// [`SupernetError::Setting`] for a network without such parameters.
    pub fn train_only(self, trainable: Trainable) -> Result<Self> {
        match trainable {
            Trainable::AllButStem => self.without_stem(),
            Trainable::Classifier => self.classifier_only(),
            other => self.norms_only(other),
        }
    }

    fn without_stem(mut self) -> Result<Self> {
        let stem = self.stem().to_vec();
        if stem.iter().all(|span| span.params.is_empty()) {
            let reason = "the network has no layer with weights before its first cell";
            return Err(SupernetError::setting("freeze", reason));
        }
        let mut trains = vec![true; self.params().len()];
        for span in stem {
            trains[span.params].fill(false);
            self.settled[span.norms].fill(true);
        }
        self.freeze(&trains)?;
        Ok(self)
    }

    fn classifier_only(mut self) -> Result<Self> {
        let none = || SupernetError::setting("freeze", "the network has no linear layer in its head");
        let classifier = self.classifier().ok_or_else(none)?;
        let mut trains = vec![false; self.params().len()];
        for id in classifier {
            trains[id] = true;
        }
        self.settled.fill(true);
        self.freeze(&trains)?;
        Ok(self)
    }

    /// Multiplies the learning rate of each layer by `decay` for every layer between it and the logits: 1 for the head and
    /// the auxiliary head, `decay` for the layer before the head, `decay`² for the one before that (discriminative
    /// fine-tuning, Howard and Ruder 2018). A layer is a cell or another unit with parameters: where a BatchNorm follows the
    /// last cell, as in NAS-Bench-201, the cell has `decay`². What has no parameters does not count.
    ///
    /// # Errors
    /// [`SupernetError::Torch`] when memory runs out.
    pub fn with_layer_decay(mut self, decay: f64) -> Result<Self> {
        if (decay - 1.0).abs() == 0.0 {
            return Ok(self);
        }
        let heads: Vec<usize> = self.heads().collect();
        let factors = self.params().flat().f_ones_like()?; // [P]
        let mut factor = decay;
        for (unit, span) in self.spans.iter().enumerate().rev() {
            if heads.contains(&unit) || span.params.is_empty() {
                continue;
            }
            for id in span.params.clone() {
                let spec = self.params().spec(id);
                let _ = factors.f_narrow(0, spec.start, spec.len())?.f_fill_(factor)?;
            }
            factor *= decay;
        }
        self.factors = Some(factors);
        Ok(self)
    }

    fn norms_only(mut self, trainable: Trainable) -> Result<Self> {
        let mut trains = vec![trainable == Trainable::All; self.params().len()];
        let mut mark =
            |affine: Affine| [affine.scale, affine.shift].into_iter().for_each(|id| trains[id] = true);
        let (classifier, missing) = match trainable {
            Trainable::All | Trainable::AllButStem | Trainable::Classifier => (false, None),
            Trainable::OperationNorms { classifier } => {
                let norms: Vec<OperationNorm> = self.operations().iter().filter_map(|op| op.norm).collect();
                for n in &norms {
                    mark(Affine { scale: n.scale, shift: n.shift });
                }
                (classifier, norms.is_empty().then_some("operations"))
            }
            Trainable::Norms { classifier } => {
                let affine: Vec<Affine> = self.norms().iter().filter_map(|norm| norm.affine).collect();
                affine.iter().copied().for_each(&mut mark);
                (classifier, affine.is_empty().then_some("network"))
            }
        };
        if let Some(what) = missing {
            let reason = format!(
                "BatchNorm only, but no BatchNorm of the {what} has scale and shift; \
                 build the network with Norm::DISCRETE or Norm::UNBIASED"
            );
            return Err(SupernetError::setting("trainable", reason));
        }
        if classifier {
            self.head_params().into_iter().for_each(|id| trains[id] = true);
        }
        self.freeze(&trains)?;
        Ok(self)
    }

    /// Numbers that train of an operation.
    pub fn trainable_of(&self, operation: &Operation) -> usize {
        let inside =
            |name: &str| name.strip_prefix(&operation.place).is_some_and(|rest| rest.starts_with('.'));
        let params = self.params().iter().enumerate();
        params.filter(|(id, (name, _))| self.trains(*id) && inside(name)).map(|(_, (_, t))| t.numel()).sum()
    }

    /// Numbers that train in all.
    pub fn trainable(&self) -> usize {
        let params = self.params().iter().enumerate();
        params.filter(|(id, _)| self.trains(*id)).map(|(_, (_, t))| t.numel()).sum()
    }
}

//! What a network's layers are collected in while they are built.

use std::collections::HashMap;

use bonas_spaces::SpaceError;

use super::error::Result;
use super::operation::{Affine, Operation};
use super::params::{Fill, ParamId, ParamsBuilder};
use super::part::{Matrix, Piece};

/// Where the parameters of layers are named.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    /// Beginning of the names of those of their own.
    pub(super) own: &'a str,
    /// Beginning of the names of those that the choices of an edge share.
    pub(super) shared: &'a str,
    /// Unit; beginning of the names of those that a cell shares under a key.
    pub(super) unit: &'a str,
    /// Place in the lists of layers, `.0.1.2`.
    pub(super) path: &'a str,
}

impl<'a> Names<'a> {
    /// Of layers that share nothing.
    pub(super) fn alone(own: &'a str) -> Self {
        Self { own, shared: own, unit: own, path: "" }
    }

    /// The name of parameters of a layer's own.
    pub(super) fn own(self) -> String {
        format!("{}{}", self.own, self.path)
    }

    /// The name of those that it shares under a key.
    pub(super) fn shared(self, key: &str) -> String {
        match key {
            "" => format!("{}{}", self.shared, self.path),
            key => format!("{}.{key}{}", self.unit, self.path),
        }
    }
}

/// A batch normalisation: its name and its channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Norm {
    /// Name, unique in the network.
    pub name: String,
    /// Channels.
    pub channels: usize,
    /// Scale and shift, if it has them.
    pub affine: Option<Affine>,
}

/// Collects what modules need while they are built.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) params: ParamsBuilder,
    pub(super) norms: Vec<Norm>,
    pub(super) operations: Vec<Operation>,
    /// Parameters that layers have together, by name and shape.
    shared: HashMap<(String, Vec<usize>), ParamId>,
}

/// Where the parameters of a layer are: under which name, and whether other layers have them too.
#[derive(Clone, Copy)]
pub(super) struct Home<'a> {
    pub(super) name: &'a str,
    pub(super) shared: bool,
}

impl Builder {
    /// A parameter like `whole`, of which a layer uses as much as `part`. Where it is shared, layers that name the same
    /// one have it together.
    pub(super) fn piece(
        &mut self,
        home: Home<'_>,
        name: &str,
        [part, whole]: [&[usize]; 2],
        fill: Fill,
    ) -> Piece {
        let key = (format!("{}.{name}", home.name), whole.to_vec());
        let known = self.shared.get(&key).copied().filter(|_| home.shared);
        let id = known.unwrap_or_else(|| self.params.add(key.0.clone(), whole, fill));
        if home.shared {
            self.shared.insert(key, id);
        }
        if part == whole { Piece::whole(id) } else { Piece::part(id, part) }
    }

    /// The matrix that makes kernels of a side of the next larger ones.
    pub(super) fn matrix(&mut self, home: Home<'_>, side: usize) -> Matrix {
        let name = format!("matrix_{}to{side}", side + 2);
        let shape = [side * side; 2];
        let id = self.piece(home, &name, [&shape, &shape], Fill::Identity(side * side)).id;
        Matrix { id, side: side as i64 }
    }

    /// Parameters and batch normalisations so far.
    pub(super) fn counts(&self) -> [usize; 2] {
        [self.params.names().count(), self.norms.len()]
    }

    /// Adds a batch normalisation; its position.
    pub(super) fn norm(&mut self, name: &str, channels: usize, affine: Option<Affine>) -> usize {
        self.norms.push(Norm { name: name.to_owned(), channels, affine });
        self.norms.len() - 1
    }

    /// Names must differ, or a checkpoint would keep one tensor of two.
    pub(super) fn check_names(&self) -> Result<()> {
        let norms = self.norms.iter().map(|norm| norm.name.as_str());
        let mut names: Vec<&str> = self.params.names().chain(norms).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => {
                let reason =
                    format!("two units or layers are called {}; give each unit its own name", pair[0]);
                Err(SpaceError::network(reason).into())
            }
            None => Ok(()),
        }
    }
}

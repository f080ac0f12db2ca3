//! The operations that can be chosen in a network, and the batch normalisation they end in.

use super::params::ParamId;

/// An operation that can be chosen on an edge of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Name of the operation in its unit and edge; its parameters begin with it.
    pub place: String,
    /// Name of the operation.
    pub name: String,
    /// Unit of the network that it stands in.
    pub unit: usize,
    /// Cell of the architecture, as in a route.
    pub role: usize,
    /// Edge of the cell, as in a route.
    pub edge: usize,
    /// Position among the operations of the edge, as in a route.
    pub choice: usize,
    /// Node of the unit's cell that its edge enters.
    pub node: usize,
    /// The last BatchNorm with scale and shift that it has.
    pub norm: Option<OperationNorm>,
}

/// The BatchNorm that an operation ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationNorm {
    /// Position in [`Supernet::norms`](super::Supernet::norms).
    pub norm: usize,
    /// Scale γ `[C]`.
    pub scale: ParamId,
    /// Shift β `[C]`.
    pub shift: ParamId,
}

/// Scale and shift of a batch normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affine {
    /// Scale γ `[C]`.
    pub scale: ParamId,
    /// Shift β `[C]`.
    pub shift: ParamId,
}

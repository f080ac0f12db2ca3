//! The weights of a mixture, in the shapes in which a pass needs them.
//!
//! Shapes: E edges of a cell, O operations of an edge, C channels.

use std::collections::HashMap;

use tch::{Kind, Tensor};

use super::error::{Result, SupernetError};
use super::pass::Mixture;

/// The weights of a [`Mixture`] during one pass. That of an edge is multiplied into those of its
/// operations, so that no map is scaled twice.
#[derive(Debug)]
pub(super) struct Weights {
    roles: Vec<Role>,
}

/// Weights of the cells of one role.
#[derive(Debug)]
struct Role {
    /// Of the operations, times that of their edge, `[E, O]`.
    table: Tensor,
    /// The same, `[]` each.
    operations: Table,
    /// Of the edges, `[]` each.
    edges: Option<Vec<Tensor>>,
    /// Those of the operations, repeated as often as a map has channels, `[C]` each.
    scales: HashMap<i64, Table>,
}

/// One tensor an operation of each edge, row by row.
#[derive(Debug)]
struct Table {
    rows: Vec<Tensor>,
    width: usize,
}

impl Table {
    fn get(&self, edge: usize, choice: usize) -> Result<&Tensor> {
        let found = (choice < self.width).then(|| self.rows.get(edge * self.width + choice)).flatten();
        let missing = || format!("no weight for choice {choice} on edge {edge}");
        found.ok_or_else(|| SupernetError::mismatch("mixture", missing()))
    }
}

impl Weights {
    /// The weights of a mixture, in `kind`; none of a plain sum.
    pub(super) fn of(mixture: Mixture<'_>, kind: Kind) -> Result<Option<Self>> {
        let Some(operations) = mixture.operations() else { return Ok(None) };
        let role = |(role, table): (usize, &Tensor)| {
            let edges = mixture.edges().map(|edges| of_role(edges, role)).transpose()?;
            Role::of(table, edges, kind)
        };
        Ok(Some(Self { roles: operations.iter().enumerate().map(role).collect::<Result<_>>()? }))
    }

    /// Weight `[]` of a choice.
    pub(super) fn operation(&self, role: usize, edge: usize, choice: usize) -> Result<&Tensor> {
        of_role(&self.roles, role)?.operations.get(edge, choice)
    }

    /// Weight of an edge `[]`, if edges have any.
    pub(super) fn edge(&self, role: usize, edge: usize) -> Result<Option<&Tensor>> {
        let Some(edges) = &of_role(&self.roles, role)?.edges else { return Ok(None) };
        let missing = || SupernetError::mismatch("mixture", format!("no weight for edge {edge}"));
        edges.get(edge).map(Some).ok_or_else(missing)
    }

    /// Weight of a choice as the scale `[C]` of a normalisation.
    pub(super) fn scale(&mut self, role: usize, edge: usize, choice: usize, channels: i64) -> Result<Tensor> {
        of_role(&self.roles, role)?;
        let role = &mut self.roles[role];
        if !role.scales.contains_key(&channels) {
            role.scales.insert(channels, role.repeated(channels)?);
        }
        Ok(role.scales[&channels].get(edge, choice)?.shallow_clone())
    }
}

impl Role {
    fn of(table: &Tensor, edges: Option<&Tensor>, kind: Kind) -> Result<Self> {
        let [_, width] = table.size()[..] else {
            let reason =
                format!("weights of operations have shape {:?}; it must be [edges, choices]", table.size());
            return Err(SupernetError::mismatch("mixture", reason));
        };
        let mut table = table.f_to_kind(kind)?; // [E, O]
        let mut alone = None;
        if let Some(edges) = edges {
            let edges = edges.f_to_kind(kind)?; // [E]
            table = table.f_mul(&edges.f_unsqueeze(1)?)?; // [E, O]
            alone = Some(edges.f_unbind(0)?);
        }
        let operations = Table { rows: table.f_reshape([-1])?.f_unbind(0)?, width: width as usize };
        Ok(Self { table, operations, edges: alone, scales: HashMap::new() })
    }

    fn repeated(&self, channels: i64) -> Result<Table> {
        let rows = self.table.f_reshape([-1, 1])?.f_repeat([1, channels])?; // [E·O, C]
        Ok(Table { rows: rows.f_unbind(0)?, width: self.operations.width })
    }
}

/// The weights of cells of a role.
fn of_role<T>(weights: &[T], role: usize) -> Result<&T> {
    let missing = || SupernetError::mismatch("mixture", format!("no weights for cells of role {role}"));
    weights.get(role).ok_or_else(missing)
}

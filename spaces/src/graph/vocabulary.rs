//! The operations of a space.

use crate::error::SpaceError;

/// Index of an operation in its space's [`Vocabulary`].
///
/// The first ids are structural and the same in every vocabulary: [`OpId::PLAIN`],
/// [`OpId::OUTPUT`], then one id for each cell input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(u16);

impl OpId {
    /// No operation: a wire on an edge, or the sum of the incoming edges on a node.
    pub const PLAIN: OpId = OpId(0);
    /// The cell's output node.
    pub const OUTPUT: OpId = OpId(1);

    /// The cell's `i`-th input node.
    pub const fn input(i: u16) -> OpId {
        OpId(2 + i)
    }

    /// The operation with a given position in the vocabulary.
    pub const fn from_index(index: u16) -> OpId {
        OpId(index)
    }

    /// Position in the vocabulary.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an operation does to the information flow; graph simplification depends on nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A wire or a sum.
    Plain,
    /// The cell's output.
    Output,
    /// One of the cell's inputs.
    Input,
    /// Changes its input; stays in every simplified graph.
    Compute,
    /// Passes its input on unchanged (`skip_connect`).
    Identity,
    /// Passes nothing on (`none`).
    Zero,
}

/// The named operations of a space, each with its [`Role`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    names: Vec<String>,
    roles: Vec<Role>,
    inputs: usize,
}

impl Vocabulary {
    /// A vocabulary for cells with `inputs` input nodes and the given searchable operations.
    ///
    /// # Errors
    /// [`SpaceError::Vocabulary`] for no inputs, an empty or repeated name, or a searchable operation
    /// with a structural role.
    pub fn new<N: Into<String>>(
        inputs: usize,
        ops: impl IntoIterator<Item = (N, Role)>,
    ) -> Result<Self, SpaceError> {
        let bad = |reason: String| Err(SpaceError::Vocabulary { reason });
        if inputs == 0 {
            return bad("a cell needs at least one input".into());
        }
        let mut names = vec!["plain".to_owned(), "output".to_owned()];
        let mut roles = vec![Role::Plain, Role::Output];
        for i in 0..inputs {
            names.push(if inputs == 1 { "input".into() } else { format!("input{i}") });
            roles.push(Role::Input);
        }
        for (name, role) in ops {
            let name = name.into();
            if name.is_empty() || names.contains(&name) {
                return bad(format!("operation name {name:?} is empty, reserved or given twice"));
            }
            if !matches!(role, Role::Compute | Role::Identity | Role::Zero) {
                return bad(format!("operation {name:?} cannot have the structural role {role:?}"));
            }
            names.push(name);
            roles.push(role);
        }
        if names.len() > usize::from(u16::MAX) {
            return bad(format!("{} operations are more than {}", names.len(), u16::MAX));
        }
        Ok(Self { names, roles, inputs })
    }

    /// A vocabulary of one of this crate's own spaces, whose names are known to be valid.
    pub(crate) fn known(inputs: usize, ops: &[(&str, Role)]) -> Self {
        let vocabulary = Self::new(inputs, ops.iter().copied());
        debug_assert!(vocabulary.is_ok(), "{vocabulary:?}");
        vocabulary.unwrap_or(Self { names: Vec::new(), roles: Vec::new(), inputs })
    }

    /// Number of labels, including the structural ones.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Always `false`, since every vocabulary has structural labels.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Number of inputs of each cell.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The searchable operations, in the order given to [`Vocabulary::new`].
    pub fn ops(&self) -> impl ExactSizeIterator<Item = OpId> + use<> {
        (2 + self.inputs as u16..self.names.len() as u16).map(OpId)
    }

    /// Name of an operation.
    ///
    /// # Panics
    /// If `op` is not of this vocabulary (`op.index() >= self.len()`).
    pub fn name(&self, op: OpId) -> &str {
        &self.names[op.index()]
    }

    /// Role of an operation.
    ///
    /// # Panics
    /// If `op` is not of this vocabulary (`op.index() >= self.len()`).
    pub fn role(&self, op: OpId) -> Role {
        self.roles[op.index()]
    }

    /// Whether `op` is one of this vocabulary's labels.
    pub fn contains(&self, op: OpId) -> bool {
        op.index() < self.len()
    }

    /// The operation with this name.
    ///
    /// # Errors
    /// [`SpaceError::UnknownOp`] with the known names.
    pub fn id(&self, name: &str) -> Result<OpId, SpaceError> {
        match self.names.iter().position(|n| n == name) {
            Some(i) => Ok(OpId(i as u16)),
            None => Err(SpaceError::UnknownOp {
                name: name.to_owned(),
                known: self.ops().map(|op| self.name(op).to_owned()).collect(),
            }),
        }
    }
}

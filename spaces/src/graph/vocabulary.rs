//! The operations of a space.

use crate::error::SpaceError;

/// Bytes of a [tag](Vocabulary::tag).
pub(super) const TAG: usize = 4;

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

impl Role {
    /// The role's byte in a [tag](Vocabulary::tag).
    fn code(self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::Output => 1,
            Self::Input => 2,
            Self::Compute => 3,
            Self::Identity => 4,
            Self::Zero => 5,
        }
    }
}

/// The named operations of a space, each with its [`Role`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    names: Vec<String>,
    roles: Vec<Role>,
    inputs: usize,
    tag: [u8; TAG],
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
        let tag = tag(inputs, &names, &roles);
        Ok(Self { names, roles, inputs, tag })
    }

    /// A vocabulary of one of this crate's own spaces, whose names are known to be valid.
    pub(crate) fn known(inputs: usize, ops: &[(&str, Role)]) -> Self {
        let vocabulary = Self::new(inputs, ops.iter().copied());
        debug_assert!(vocabulary.is_ok(), "{vocabulary:?}");
        vocabulary.unwrap_or(Self { names: Vec::new(), roles: Vec::new(), inputs, tag: [0; TAG] })
    }

    /// A hash of the names, the roles and the number of inputs, with which every [`Key`](crate::Key) begins: 4 bytes, so that two
    /// vocabularies share a tag with probability 2⁻³². It is the same in every run and on every machine.
    pub fn tag(&self) -> [u8; 4] {
        self.tag
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

/// The tag of a vocabulary: of every name with its length and its role, so that no two lists read alike.
fn tag(inputs: usize, names: &[String], roles: &[Role]) -> [u8; TAG] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(inputs as u64).to_le_bytes());
    for (name, role) in names.iter().zip(roles) {
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(&[role.code()]);
    }
    let mut tag = [0; TAG];
    tag.copy_from_slice(&hasher.finalize().as_bytes()[..TAG]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag_of(inputs: usize, ops: &[(&str, Role)]) -> [u8; TAG] {
        Vocabulary::new(inputs, ops.iter().copied()).unwrap().tag()
    }

    /// Names, roles, their order and the inputs count; the object does not.
    #[test]
    fn a_tag_is_of_all_that_a_vocabulary_says() {
        let ops = [("conv", Role::Compute), ("skip", Role::Identity)];
        let tag = tag_of(1, &ops);
        assert_eq!(tag, tag_of(1, &ops));
        let others = [
            tag_of(2, &ops),
            tag_of(1, &[ops[1], ops[0]]),
            tag_of(1, &ops[..1]),
            tag_of(1, &[("conv", Role::Compute), ("skip", Role::Compute)]),
            tag_of(1, &[("conv", Role::Compute), ("skip2", Role::Identity)]),
            tag_of(1, &[("convs", Role::Compute), ("kip", Role::Identity)]),
        ];
        assert!(others.iter().all(|other| *other != tag), "{others:?}");
    }

    /// The same in every run and on every machine.
    #[test]
    fn a_tag_stays() {
        assert_eq!(tag_of(1, &[("conv", Role::Compute)]), [241, 136, 99, 97]);
    }
}

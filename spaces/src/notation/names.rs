//! Other spellings of operations.

/// Operations with their other spellings, in the order of the space.
///
/// Spellings are compared without case and without what is neither a letter nor a digit, so that
/// `sep_conv_3x3`, `SepConv3x3` and `sep-conv-3x3` are one.
pub(crate) struct OpNames(pub(crate) &'static [(&'static str, &'static [&'static str])]);

impl OpNames {
    /// The position of the operation that a name means.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        let exact = self.0.iter().position(|(own, _)| *own == name);
        exact.or_else(|| {
            let plain = plain(name);
            self.0.iter().position(|(own, others)| {
                self::plain(own) == plain || others.iter().any(|other| self::plain(other) == plain)
            })
        })
    }

    /// What is wrong with a name that is none of the operations.
    pub(crate) fn unknown(&self, name: &str) -> String {
        let known: Vec<&str> = self.0.iter().map(|(own, _)| *own).collect();
        format!("unknown operation {name:?}; this space has {}", known.join(", "))
    }
}

/// Letters and digits in lower case.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The operations of DARTS, `none` first.
pub(crate) const DARTS: OpNames = OpNames(&[
    ("none", &["zero", "zeroize"]),
    ("max_pool_3x3", &["max_pool", "max_3x3"]),
    ("avg_pool_3x3", &["avg_pool", "avg_3x3"]),
    ("skip_connect", &["skip", "identity", "factorized_reduce"]),
    ("sep_conv_3x3", &["sep_3x3"]),
    ("sep_conv_5x5", &["sep_5x5"]),
    ("dil_conv_3x3", &["dil_3x3"]),
    ("dil_conv_5x5", &["dil_5x5"]),
]);

/// The operations of NAS-Bench-201; `NASLib` calls its 3×3 pooling `AvgPool1x1`.
pub(crate) const NASBENCH201: OpNames = OpNames(&[
    ("none", &["zero", "zeroize"]),
    ("skip_connect", &["skip", "identity"]),
    ("nor_conv_1x1", &["conv_1x1", "relu_conv_bn_1x1"]),
    ("nor_conv_3x3", &["conv_3x3", "relu_conv_bn_3x3"]),
    ("avg_pool_3x3", &["avg_pool", "avg_pool_1x1"]),
]);

/// The operations of a TransNAS-Bench-101 cell.
pub(crate) const TRANSNAS: OpNames = OpNames(&[
    ("none", &["zero", "zeroize"]),
    ("skip_connect", &["skip", "identity"]),
    ("nor_conv_1x1", &["conv_1x1", "relu_conv_bn_1x1"]),
    ("nor_conv_3x3", &["conv_3x3", "relu_conv_bn_3x3"]),
]);

/// The operations inside a NAS-Bench-101 cell.
pub(crate) const NASBENCH101: OpNames = OpNames(&[
    ("conv1x1-bn-relu", &["conv1x1"]),
    ("conv3x3-bn-relu", &["conv3x3"]),
    ("maxpool3x3", &["max_pool_3x3"]),
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_meet() {
        for (name, position) in [("sep_conv_3x3", 4), ("SepConv3x3", 4), ("sep_3x3", 4), ("Identity", 3)] {
            assert_eq!(DARTS.position(name), Some(position), "{name}");
        }
        assert_eq!(NASBENCH201.position("conv_3x3"), Some(3));
        assert_eq!(NASBENCH101.position("CONV1X1"), Some(0));
        assert_eq!(DARTS.position("sep_conv_7x7"), None);
        assert!(
            DARTS.unknown("sep_conv_7x7").contains("\"sep_conv_7x7\"; this space has none, max_pool_3x3")
        );
    }
}

//! What is counted on the network of an architecture.

use bonas_spaces::network::Network;

/// Feature: multiply-adds of the published network of an architecture.
pub const MACS: &str = "network.macs";
/// Feature: parameters of the published network of an architecture.
pub const PARAMS: &str = "network.params";

/// A number of the published network of an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Count {
    /// Multiply-adds.
    Macs,
    /// Parameters.
    Params,
    /// Number of units with parameters ([`Profile::depth`](bonas_spaces::network::Profile::depth)).
    Depth,
    /// Mean of log2 of the channels over depth.
    Width,
    /// Mean of log2 of the resolution over depth.
    Resolution,
}

impl Count {
    /// All counts.
    pub const ALL: [Self; 5] = [Self::Macs, Self::Params, Self::Depth, Self::Width, Self::Resolution];

    /// The name by which strategies take it for a feature.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Macs => MACS,
            Self::Params => PARAMS,
            Self::Depth => "network.depth",
            Self::Width => "network.width",
            Self::Resolution => "network.resolution",
        }
    }

    /// The count with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|count| count.name() == name)
    }

    /// Its value.
    pub(super) fn of(self, network: &Network) -> f64 {
        match self {
            Self::Macs => network.macs() as f64,
            Self::Params => network.params() as f64,
            Self::Depth => network.profile().depth as f64,
            Self::Width => network.profile().width,
            Self::Resolution => network.profile().resolution,
        }
    }
}

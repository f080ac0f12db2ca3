//! How deep, wide and fine a network is.

use super::{Body, Network};

/// Depth of a network, and how its width and resolution go with it: what macro spaces search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// Number of units (cells and chains of layers) that have parameters, without the head.
    pub depth: usize,
    /// Mean of log2 of the channels over these units.
    pub width: f64,
    /// Mean of log2 of the height of the map over these units.
    pub resolution: f64,
}

impl Network {
    /// The profile of the network, without its heads; zero everywhere for one that has no other unit with parameters.
    pub fn profile(&self) -> Profile {
        let is_head = |i: usize| i == self.head || Some(i) == self.auxiliary;
        let body = self.units.iter().enumerate().filter(|(i, unit)| {
            !is_head(*i) && unit.params > 0 && matches!(unit.body, Body::Layers(_) | Body::Cell { .. })
        });
        let mut profile = Profile { depth: 0, width: 0.0, resolution: 0.0 };
        for (_, unit) in body {
            profile.depth += 1;
            profile.width += (unit.shape.channels as f64).log2();
            profile.resolution += (unit.shape.height as f64).log2();
        }
        let units = profile.depth.max(1) as f64;
        Profile { width: profile.width / units, resolution: profile.resolution / units, ..profile }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Conv, Layer, NetworkBuilder, Shape};
    use super::*;

    /// Two convolutions with parameters, 4 channels at 8 pixels and 8 at 4; a unit without any and the head do not count.
    #[test]
    fn a_profile_by_hand() {
        let mut net = NetworkBuilder::new(Shape::square(3, 8)).unwrap();
        let conv = |input, output, stride| vec![Layer::Conv(Conv::same(input, output, 3, stride))];
        let first = net.layers("a", 0, conv(3, 4, 1)).unwrap();
        let second = net.layers("b", first, conv(4, 8, 2)).unwrap();
        let relu = net.layers("c", second, vec![Layer::Relu]).unwrap();
        let head = net.classifier("head", relu, 10).unwrap();
        let profile = net.finish(head, None).profile();
        assert_eq!(profile, Profile { depth: 2, width: 2.5, resolution: 2.5 });
    }
}

//! Genotypes as published; each constant names paper and file.

use super::genotype::Genotype;
use super::genotype::Primitive::{
    AvgPool3x3, DilConv3x3, DilConv5x5, MaxPool3x3, SepConv3x3, SepConv5x5, SkipConnect,
};

/// All published genotypes in this crate, with their authors' names.
pub const PUBLISHED: [(&str, Genotype); 9] = [
    ("DARTS_V1", DARTS_V1),
    ("DARTS_V2", DARTS_V2),
    ("PC_DARTS_cifar", PC_DARTS_CIFAR),
    ("PC_DARTS_image", PC_DARTS_IMAGE),
    ("BNASv2_CLR_v1", BNASV2_CLR_V1),
    ("BNASv2_CLR_v2", BNASV2_CLR_V2),
    ("BNASv2_PC_cifar_v1", BNASV2_PC_CIFAR_V1),
    ("BNASv2_PC_cifar_v2", BNASV2_PC_CIFAR_V2),
    ("BNASv2_PC_image", BNASV2_PC_IMAGE),
];

impl Genotype {
    /// The genotype published under a name, such as `DARTS_V2` ([`PUBLISHED`] lists them).
    pub fn named(name: &str) -> Option<Self> {
        PUBLISHED.iter().find(|(published, _)| *published == name).map(|(_, genotype)| *genotype)
    }
}

/// Liu et al. 2019, first order; quark0/darts, `cnn/genotypes.py`.
pub const DARTS_V1: Genotype = Genotype {
    normal: [
        (SepConv3x3, 1),
        (SepConv3x3, 0),
        (SkipConnect, 0),
        (SepConv3x3, 1),
        (SkipConnect, 0),
        (SepConv3x3, 1),
        (SepConv3x3, 0),
        (SkipConnect, 2),
    ],
    reduce: [
        (MaxPool3x3, 0),
        (MaxPool3x3, 1),
        (SkipConnect, 2),
        (MaxPool3x3, 0),
        (MaxPool3x3, 0),
        (SkipConnect, 2),
        (SkipConnect, 2),
        (AvgPool3x3, 0),
    ],
};

/// Liu et al. 2019, second order; quark0/darts, `cnn/genotypes.py`.
pub const DARTS_V2: Genotype = Genotype {
    normal: [
        (SepConv3x3, 0),
        (SepConv3x3, 1),
        (SepConv3x3, 0),
        (SepConv3x3, 1),
        (SepConv3x3, 1),
        (SkipConnect, 0),
        (SkipConnect, 0),
        (DilConv3x3, 2),
    ],
    reduce: [
        (MaxPool3x3, 0),
        (MaxPool3x3, 1),
        (SkipConnect, 2),
        (MaxPool3x3, 1),
        (MaxPool3x3, 0),
        (SkipConnect, 2),
        (SkipConnect, 2),
        (MaxPool3x3, 1),
    ],
};

/// Xu et al. 2020, searched on CIFAR-10; yuhuixu1993/PC-DARTS, `genotypes.py`.
pub const PC_DARTS_CIFAR: Genotype = Genotype {
    normal: [
        (SepConv3x3, 1),
        (SkipConnect, 0),
        (SepConv3x3, 0),
        (DilConv3x3, 1),
        (SepConv5x5, 0),
        (SepConv3x3, 1),
        (AvgPool3x3, 0),
        (DilConv3x3, 1),
    ],
    reduce: [
        (SepConv5x5, 1),
        (MaxPool3x3, 0),
        (SepConv5x5, 1),
        (SepConv5x5, 2),
        (SepConv3x3, 0),
        (SepConv3x3, 3),
        (SepConv3x3, 1),
        (SepConv3x3, 2),
    ],
};

/// Xu et al. 2020, searched on `ImageNet`; yuhuixu1993/PC-DARTS, `genotypes.py`.
pub const PC_DARTS_IMAGE: Genotype = Genotype {
    normal: [
        (SkipConnect, 1),
        (SepConv3x3, 0),
        (SepConv3x3, 0),
        (SkipConnect, 1),
        (SepConv3x3, 1),
        (SepConv3x3, 3),
        (SepConv3x3, 1),
        (DilConv5x5, 4),
    ],
    reduce: [
        (SepConv3x3, 0),
        (SkipConnect, 1),
        (DilConv5x5, 2),
        (MaxPool3x3, 1),
        (SepConv3x3, 2),
        (SepConv3x3, 1),
        (SepConv5x5, 0),
        (SepConv3x3, 3),
    ],
};

/// Ding et al. 2022, confident learning rate; zixiangding/BNASv2, `BNASv2CLR/genotypes.py`.
pub const BNASV2_CLR_V1: Genotype = Genotype {
    normal: [
        (SepConv3x3, 1),
        (SepConv3x3, 0),
        (SepConv3x3, 1),
        (AvgPool3x3, 2),
        (SepConv5x5, 1),
        (SepConv3x3, 3),
        (SepConv3x3, 1),
        (DilConv3x3, 2),
    ],
    reduce: [
        (AvgPool3x3, 0),
        (DilConv3x3, 1),
        (AvgPool3x3, 0),
        (AvgPool3x3, 2),
        (AvgPool3x3, 2),
        (AvgPool3x3, 3),
        (AvgPool3x3, 2),
        (MaxPool3x3, 1),
    ],
};

/// Ding et al. 2022, confident learning rate; zixiangding/BNASv2, `BNASv2CLR/genotypes.py`.
pub const BNASV2_CLR_V2: Genotype = Genotype {
    normal: [
        (SepConv3x3, 1),
        (MaxPool3x3, 0),
        (MaxPool3x3, 1),
        (SepConv3x3, 0),
        (SepConv3x3, 0),
        (SepConv3x3, 1),
        (SepConv3x3, 1),
        (DilConv3x3, 4),
    ],
    reduce: [
        (AvgPool3x3, 0),
        (DilConv5x5, 1),
        (AvgPool3x3, 2),
        (AvgPool3x3, 0),
        (AvgPool3x3, 2),
        (AvgPool3x3, 3),
        (MaxPool3x3, 1),
        (AvgPool3x3, 3),
    ],
};

/// Ding et al. 2022, partial channels, CIFAR-10; zixiangding/BNASv2, `BNASv2PC/genotypes.py`.
pub const BNASV2_PC_CIFAR_V1: Genotype = Genotype {
    normal: [
        (SepConv3x3, 1),
        (SepConv3x3, 0),
        (DilConv5x5, 2),
        (SepConv3x3, 1),
        (SepConv3x3, 1),
        (SepConv3x3, 2),
        (SepConv5x5, 1),
        (SepConv5x5, 2),
    ],
    reduce: [
        (DilConv3x3, 0),
        (SkipConnect, 1),
        (DilConv3x3, 1),
        (SkipConnect, 2),
        (MaxPool3x3, 1),
        (DilConv5x5, 0),
        (SkipConnect, 1),
        (MaxPool3x3, 0),
    ],
};

/// Ding et al. 2022, partial channels, CIFAR-10; zixiangding/BNASv2, `BNASv2PC/genotypes.py`.
pub const BNASV2_PC_CIFAR_V2: Genotype = Genotype {
    normal: [
        (SepConv3x3, 1),
        (SepConv3x3, 0),
        (SepConv5x5, 1),
        (SepConv5x5, 2),
        (SepConv3x3, 1),
        (SepConv3x3, 2),
        (SepConv5x5, 1),
        (DilConv3x3, 4),
    ],
    reduce: [
        (SkipConnect, 0),
        (SkipConnect, 1),
        (DilConv3x3, 1),
        (SkipConnect, 0),
        (MaxPool3x3, 0),
        (SkipConnect, 1),
        (MaxPool3x3, 0),
        (MaxPool3x3, 1),
    ],
};

/// Ding et al. 2022, partial channels, `ImageNet`; zixiangding/BNASv2, `BNASv2PC/genotypes.py`.
pub const BNASV2_PC_IMAGE: Genotype = Genotype {
    normal: [
        (SepConv5x5, 1),
        (SepConv3x3, 0),
        (SkipConnect, 2),
        (SepConv3x3, 1),
        (SepConv5x5, 1),
        (SepConv3x3, 3),
        (SepConv3x3, 4),
        (SepConv3x3, 3),
    ],
    reduce: [
        (SkipConnect, 1),
        (DilConv5x5, 0),
        (MaxPool3x3, 1),
        (SkipConnect, 2),
        (SkipConnect, 1),
        (MaxPool3x3, 2),
        (SepConv3x3, 1),
        (DilConv3x3, 3),
    ],
};

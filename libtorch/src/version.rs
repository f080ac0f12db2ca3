/// The one libtorch version that tch 0.26 fits.
pub const VERSION: &str = "2.13.0";

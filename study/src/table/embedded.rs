//! The table inside the program: 1,236 cells of NAS-Bench-201, all that have no pooling, trained from
//! scratch on the embedded digits.
//!
//! `bonas tabulate examples/tabulate/digits.toml --ops none,skip_connect,nor_conv_1x1,nor_conv_3x3 --networks 5
//! --out DIR` makes it (the recipe is in that file). Columns: `val` and `test`, accuracies in percent of the
//! same networks on held-out training images and on test images, two seeds, each the mean of five networks;
//! `params`; `macs` (multiply-adds). Where a path is asked for it is called `digits`.

/// Its name in errors and results.
pub const EMBEDDED_NAME: &str = "the embedded table";

/// The space of its cells.
pub const EMBEDDED_SPACE: &str = "nasbench201";

/// The column that is searched unless another is named; `test` is reported.
pub const EMBEDDED_SEARCH: &str = "val";

/// A gzipped CSV file.
pub const EMBEDDED: &[u8] = include_bytes!("../../data/digits_nasbench201.csv.gz");

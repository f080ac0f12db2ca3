//! Groups of settings: keys, documentation, defaults and valid ranges, each declared once.
//!
//! Use [`settings!`](crate::settings!) to declare the settings of a strategy or an evaluator in its own file. A
//! configuration format, such as the TOML of the `bonas` command, reads the keys and their documentation from
//! [`Settings::KEYS`]; this module knows no format.

mod invalid;
mod names;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use bonas_spaces::catalogue::{nearest, unknown};
pub use invalid::{Invalid, at_least_1, ensure};
pub use names::{entry_named, renamed, variant, with_nearest};

/// One key of a group of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyDoc {
    /// The key as it stands in the TOML file.
    pub key: &'static str,
    /// What it sets: the lines of its docstring.
    pub doc: &'static [&'static str],
}

/// A group of settings that a TOML table is read into.
///
/// [`settings!`](crate::settings!) writes the struct, its defaults and this trait in one; a struct
/// that has its own `Default` and serde derives implements it by hand.
pub trait Settings: Default + Serialize + DeserializeOwned {
    /// Every key, with what it means, in the order in which it is printed.
    const KEYS: &'static [KeyDoc];

    /// Refuses values out of their range.
    ///
    /// # Errors
    /// [`Invalid`] naming the first key at fault.
    fn check(&self) -> Result<(), Invalid> {
        Ok(())
    }
}

/// Declares a group of settings: fields with docstring, type and default, and a `check`.
///
/// ```
/// use bonas_study::settings::Settings;
///
/// bonas_study::settings! {
///     /// How the bread is baked.
///     pub struct Oven {
///         /// Degrees Celsius.
///         heat: f64 = 220.0,
///     }
///     check(oven) {
///         bonas_study::settings::ensure(oven.heat <= 300.0, "heat", oven.heat, "at most 300")
///     }
/// }
/// assert_eq!(Oven::default().heat, 220.0);
/// let error = Oven { heat: 400.0 }.check().unwrap_err();
/// assert_eq!(error.reason, "400 is out of range; expected at most 300");
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr,)*
        }
        check($this:ident) $check:block
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::settings::Settings for $name {
            const KEYS: &'static [$crate::settings::KeyDoc] = &[
                $($crate::settings::KeyDoc { key: stringify!($field), doc: &[$($doc),+] },)*
            ];

            fn check(&self) -> Result<(), $crate::settings::Invalid> {
                let $this = self;
                $check
            }
        }
    };
}

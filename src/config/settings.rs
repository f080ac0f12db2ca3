//! A group of settings: its keys, their meaning and their defaults, said once.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Invalid;

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
/// [`settings!`](crate::settings) writes the struct, its defaults and this trait in one; a struct
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
/// bonas::settings! {
///     /// How the bread is baked.
///     pub struct Oven {
///         /// Degrees Celsius.
///         heat: f64 = 220.0,
///     }
///     check(oven) {
///         bonas::config::ensure(oven.heat <= 300.0, "heat", oven.heat, "at most 300")
///     }
/// }
/// assert_eq!(Oven::default().heat, 220.0);
/// let error = bonas::config::from_toml::<Oven>("heta = 200.0", "oven.toml").unwrap_err();
/// assert_eq!(error.to_string(), "oven.toml line 1: heta: unknown key `heta`; did you mean `heat`? (known: heat)");
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

        impl $crate::config::Settings for $name {
            const KEYS: &'static [$crate::config::KeyDoc] = &[
                $($crate::config::KeyDoc { key: stringify!($field), doc: &[$($doc),+] },)*
            ];

            fn check(&self) -> Result<(), $crate::config::Invalid> {
                let $this = self;
                $check
            }
        }
    };
}

/// Declares one-of-several settings: a table whose `name` says which, beside that one's own keys.
///
/// The enum gets `NAMES`, `name()`, `named()`, `read()`, `commented()` and `plain()`; the first
/// choice is the default.
#[macro_export]
macro_rules! choices {
    (
        $(#[$meta:meta])*
        pub enum $enum:ident as $what:literal {
            $($(#[doc = $doc:literal])+ $variant:ident($settings:ty) = $name:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $enum {
            $($(#[doc = $doc])+ $variant($settings),)+
        }

        impl Default for $enum {
            fn default() -> Self {
                Self::named(Self::NAMES[0]).unwrap_or_else(|| unreachable!("the first name is a name"))
            }
        }

        impl $enum {
            /// The names there are, the default first.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The name that stands in the configuration.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ }
            }

            /// This name's default settings.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant(Default::default())),)+
                    _ => None,
                }
            }

            /// Reads the table at `path`: its `name`, then that one's own settings. Keys in
            /// `beside` may stand in the table too.
            ///
            /// # Errors
            /// [`ConfigError`]($crate::config::ConfigError) for an unknown name or a bad setting.
            pub fn read(
                document: &$crate::config::Document<'_>,
                path: &str,
                beside: &[&str],
            ) -> Result<Self, $crate::config::ConfigError> {
                let key = format!("{path}.name");
                let name = document.string(&key)?.unwrap_or(Self::NAMES[0]);
                let beside: Vec<&str> = beside.iter().copied().chain(["name"]).collect();
                match name {
                    $($name => Ok(Self::$variant(document.section(path, &beside)?)),)+
                    _ => Err(document.refuse(
                        &key,
                        bonas_spaces::catalogue::unknown($what, name, Self::NAMES.iter().copied()),
                    )),
                }
            }

            /// The table as TOML with a comment a key.
            pub fn commented(&self, header: &str) -> String {
                let about = match self {
                    $(Self::$variant(_) => [$($doc),+].map(str::trim).join("\n# "),)+
                };
                let names = Self::NAMES.join(", ");
                let keys = match self {
                    $(Self::$variant(settings) => $crate::config::commented("", settings),)+
                };
                let name = self.name();
                format!("[{header}]\n# Which {}: {names}.\n# {name}: {about}\nname = \"{name}\"\n{keys}", $what)
            }

            /// The table as TOML without comments.
            pub fn plain(&self, header: &str) -> String {
                let keys = match self {
                    $(Self::$variant(settings) => $crate::config::plain("", settings),)+
                };
                format!("[{header}]\nname = \"{}\"\n{keys}", self.name())
            }
        }
    };
}

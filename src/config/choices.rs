//! One-of-several settings.

/// Declares one-of-several settings: a table whose `name` says which, beside that one's own keys.
///
/// The enum gets `NAMES`, `name()`, `named()`, `read()`, `commented()` and `plain()`; the first
/// choice is the default.
#[macro_export]
macro_rules! choices {
    (
        $(#[$meta:meta])*
        pub enum $enum:ident as $what:literal of $trait:path {
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

        /// The settings, whichever they are.
        impl std::ops::Deref for $enum {
            type Target = dyn $trait;

            fn deref(&self) -> &Self::Target {
                match self { $(Self::$variant(settings) => settings,)+ }
            }
        }

        impl std::ops::DerefMut for $enum {
            fn deref_mut(&mut self) -> &mut Self::Target {
                match self { $(Self::$variant(settings) => settings,)+ }
            }
        }

        impl $enum {
            /// The names there are, the default first.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The name that stands in the configuration.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ }
            }

            /// What a name stands for, in a sentence or two.
            pub fn about(name: &str) -> Option<&'static str> {
                match name {
                    $($name => Some(concat!($($doc),+).trim()),)+
                    _ => None,
                }
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

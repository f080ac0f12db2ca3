//! Numbers that differ between the instances of one function or class become its parameters.

/// The meaning of a number, by which its parameter is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Channels.
    Width,
    /// Groups of a convolution.
    Groups,
    /// Stride.
    Stride,
    /// Side of a kernel or window.
    Kernel,
    /// Padding.
    Padding,
    /// Dilation.
    Dilation,
    /// Side of a map.
    Side,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Width | Self::Groups => "width",
            Self::Stride => "stride",
            Self::Kernel => "kernel",
            Self::Padding => "padding",
            Self::Dilation => "dilation",
            Self::Side => "side",
        }
    }
}

/// A parameter, with its value in each instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) values: Vec<usize>,
}

/// The parameters of a function or class.
#[derive(Clone, Debug, Default)]
pub(super) struct Parameters {
    taken: Vec<Parameter>,
    offered: Vec<(String, Vec<usize>)>,
}

impl Parameters {
    /// Parameters among which widths with these values have these names.
    pub(super) fn offering(offered: Vec<(&str, Vec<usize>)>) -> Self {
        let mut own: Vec<(String, Vec<usize>)> = Vec::new();
        for (name, values) in offered {
            if own.iter().all(|(_, known)| *known != values) {
                own.push((name.to_owned(), values));
            }
        }
        Self { taken: Vec::new(), offered: own }
    }

    /// The same with widths before others, in the order in which they were offered, since arguments by position stand before those by name.
    pub(super) fn widths_first(mut self) -> Self {
        let offered = self.offered.iter().map(|(name, _)| name);
        let order: Vec<&String> = offered.collect();
        let place = |own: &Parameter| order.iter().position(|name| **name == own.name).unwrap_or(order.len());
        self.taken.sort_by_key(|own| (own.kind != Kind::Width, place(own)));
        self
    }

    /// The parameters, in the order in which they are first used.
    pub(super) fn list(&self) -> &[Parameter] {
        &self.taken
    }

    /// The expression for a number that has these values, one an instance.
    pub(super) fn expression(&mut self, kind: Kind, values: &[usize]) -> String {
        let constant = values.iter().all(|value| *value == values[0]);
        match kind {
            Kind::Groups if constant && values[0] == 1 => "1".to_owned(),
            Kind::Width | Kind::Groups => self.width(values, constant),
            _ if constant => values[0].to_string(),
            _ => self.known(kind, values).unwrap_or_else(|| self.add(kind.name(), kind, values)),
        }
    }

    fn known(&self, kind: Kind, values: &[usize]) -> Option<String> {
        let found = self.taken.iter().find(|own| own.kind == kind && own.values == values);
        found.map(|own| own.name.clone())
    }

    fn width(&mut self, values: &[usize], constant: bool) -> String {
        if let Some(name) = self.known(Kind::Width, values) {
            return name;
        }
        if let Some((name, values)) = self.offered.iter().find(|(_, known)| known == values).cloned() {
            return self.add(&name, Kind::Width, &values);
        }
        if let Some(found) = self.multiple(values) {
            return found;
        }
        if constant { values[0].to_string() } else { self.add(Kind::Width.name(), Kind::Width, values) }
    }

    /// A multiple or a part of a width that has a name.
    fn multiple(&mut self, values: &[usize]) -> Option<String> {
        const MOST: usize = 12;
        let own = self.taken.iter().filter(|own| own.kind == Kind::Width);
        let named = own.map(|own| (own.name.clone(), own.values.clone())).chain(self.offered.clone());
        let named: Vec<_> = named.collect();
        for (name, base) in &named {
            let times = |k: usize| base.iter().zip(values).all(|(base, value)| base * k == *value);
            let part = |k: usize| base.iter().zip(values).all(|(base, value)| *base == value * k);
            let text = match ((2..=MOST).find(|&k| times(k)), (2..=MOST).find(|&k| part(k))) {
                (Some(k), _) => format!("{k} * {name}"),
                (None, Some(k)) => format!("{name} // {k}"),
                (None, None) => continue,
            };
            if self.known(Kind::Width, base).is_none() {
                self.add(name, Kind::Width, base);
            }
            return Some(text);
        }
        None
    }

    fn add(&mut self, name: &str, kind: Kind, values: &[usize]) -> String {
        let free = |candidate: &String| self.taken.iter().all(|own| own.name != *candidate);
        let numbered = (2_usize..).map(|n| format!("{name}{n}"));
        let name = std::iter::once(name.to_owned()).chain(numbered).find(free).unwrap_or_default();
        self.taken.push(Parameter { name: name.clone(), kind, values: values.to_vec() });
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_one_name() {
        let offered = vec![("c_in", vec![16, 32]), ("c_out", vec![16, 64])];
        let mut own = Parameters::offering(offered);
        let mut said = |kind, values: [usize; 2]| own.expression(kind, &values);
        assert_eq!(said(Kind::Width, [16, 32]), "c_in");
        assert_eq!(said(Kind::Groups, [16, 32]), "c_in");
        assert_eq!(said(Kind::Groups, [1, 1]), "1");
        assert_eq!(said(Kind::Width, [96, 192]), "6 * c_in");
        assert_eq!(said(Kind::Width, [8, 32]), "c_out // 2");
        assert_eq!(said(Kind::Width, [3, 3]), "3");
        assert_eq!(said(Kind::Width, [5, 7]), "width");
        assert_eq!(said(Kind::Stride, [1, 2]), "stride");
        assert_eq!(said(Kind::Kernel, [3, 3]), "3");
        assert_eq!(said(Kind::Padding, [1, 2]), "padding");
        let names: Vec<&str> = own.list().iter().map(|own| own.name.as_str()).collect();
        assert_eq!(names, ["c_in", "c_out", "width", "stride", "padding"]);
    }
}

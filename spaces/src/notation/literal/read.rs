//! From text to values.

use std::borrow::Cow;

use super::{Literal, Place, Value};

/// Deepest nesting of brackets.
const DEEPEST: usize = 16;

/// Most members of a list that is repeated.
const MOST_REPEATED: usize = 64;

/// Blanks, and marks that cannot be seen.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}

/// Whether a quote ends what another one began.
pub(crate) fn closes(open: char, close: char) -> bool {
    let kind = |c| match c {
        '\'' | '‘' | '’' => 1,
        '"' | '“' | '”' => 2,
        _ => 0,
    };
    kind(open) != 0 && kind(open) == kind(close)
}

fn is_quote(c: char) -> bool {
    closes(c, c)
}

/// Reads a value, with `NAME =` before it and semicolons behind it, and nothing else.
///
/// # Errors
/// What is wrong, with line and column.
pub(crate) fn statement(text: &str) -> Result<Literal<'_>, String> {
    statement_from(text, 0)
}

/// The same from a byte of a text on, which may have anything before it.
pub(crate) fn statement_from(text: &str, start: usize) -> Result<Literal<'_>, String> {
    let mut reader = Reader::of(text);
    reader.take(start);
    let mut value = reader.value()?;
    if matches!(value.value, Value::Name(_)) && reader.accept('=') {
        value = reader.value()?;
    }
    while reader.accept(';') || reader.accept(',') {}
    match reader.peek() {
        None => Ok(value),
        Some(found) => Err(reader.wrong(&format!("nothing may follow the end, found {found:?}"))),
    }
}

/// Reads arguments without the call that they belong to, or assignments after each other: `a=1, b=2`.
///
/// # Errors
/// What is wrong, with line and column.
pub(crate) fn arguments(text: &str) -> Result<Literal<'_>, String> {
    let mut reader = Reader::of(text);
    let place = reader.place;
    let (mut args, mut fields) = (Vec::new(), Vec::new());
    while reader.peek().is_some() {
        match reader.argument()? {
            (Some(field), value) => fields.push((field, value)),
            (None, value) => args.push(value),
        }
        while reader.accept(',') || reader.accept(';') {}
    }
    Ok(Literal { place, value: Value::Call { name: "", args, fields } })
}

struct Reader<'a> {
    rest: &'a str,
    place: Place,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn of(text: &'a str) -> Self {
        Self { rest: text, place: Place { line: 1, column: 1 }, depth: 0 }
    }

    fn value(&mut self) -> Result<Literal<'a>, String> {
        let place = match self.peek() {
            Some(_) => self.place,
            None => return Err(self.wrong("expected a value, found the end of the text")),
        };
        let value = match self.rest.chars().next() {
            Some('[') => Value::List(self.repeated()?),
            Some('(') => self.tuple()?,
            Some('{') => self.dict()?,
            Some(quote) if is_quote(quote) => Value::Text(self.quoted()?),
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number()?,
            Some(c) if c.is_alphabetic() || c == '_' => self.named()?,
            Some(c) => return Err(self.wrong(&format!("expected a value, found {c:?}"))),
            None => return Err(self.wrong("expected a value, found the end of the text")),
        };
        Ok(Literal { place, value })
    }

    /// Goes one bracket deeper while `inside` reads what stands there.
    fn bracketed<T>(
        &mut self,
        open: char,
        inside: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        if self.depth == DEEPEST {
            return Err(self.wrong(&format!("more than {DEEPEST} brackets are open")));
        }
        self.expect(open)?;
        self.depth += 1;
        let found = inside(self);
        self.depth -= 1;
        found
    }

    /// A list, which `* n` behind it repeats.
    fn repeated(&mut self) -> Result<Vec<Literal<'a>>, String> {
        let list = self.list()?;
        if !self.accept('*') {
            return Ok(list);
        }
        let times = self.value()?;
        if !list.iter().all(|item| matches!(item.value, Value::Int(_) | Value::Float(_) | Value::Text(_))) {
            return Err(times.wrong("only a list of numbers and texts is repeated"));
        }
        match times.number("a number of repetitions") {
            Ok(count) if list.len().saturating_mul(count) <= MOST_REPEATED => {
                Ok((0..count).flat_map(|_| list.clone()).collect())
            }
            Ok(count) => Err(times.wrong(format!("a list of {} is repeated {count} times", list.len()))),
            Err(reason) => Err(reason),
        }
    }

    /// A list, in which numbers and lists may follow each other without commas, as `NumPy` prints them.
    fn list(&mut self) -> Result<Vec<Literal<'a>>, String> {
        self.bracketed('[', |reader| {
            let mut items = Vec::new();
            while !reader.accept(']') {
                items.push(reader.value()?);
                let next = reader.peek();
                let spaced = next.is_some_and(|c| c.is_ascii_digit() || matches!(c, '[' | '-'));
                if !reader.accept(',') && !spaced {
                    reader.expect(']')?;
                    break;
                }
            }
            Ok(items)
        })
    }

    /// `(1, 2)` and `(1,)` are tuples, `(1)` is 1.
    fn tuple(&mut self) -> Result<Value<'a>, String> {
        let (mut items, comma) = self.bracketed('(', |reader| reader.members(')', Self::value))?;
        let single = items.len() == 1 && !comma;
        Ok(match items.pop() {
            Some(one) if single => one.value,
            last => {
                items.extend(last);
                Value::List(items)
            }
        })
    }

    fn dict(&mut self) -> Result<Value<'a>, String> {
        let pair = |reader: &mut Self| {
            let key = reader.value()?;
            reader.expect(':')?;
            Ok((key, reader.value()?))
        };
        let pairs = self.bracketed('{', |reader| reader.members('}', pair))?;
        Ok(Value::Dict(pairs.0))
    }

    /// Members with commas between them up to a bracket, and whether the last has a comma behind it.
    fn members<T>(
        &mut self,
        close: char,
        member: impl Fn(&mut Self) -> Result<T, String>,
    ) -> Result<(Vec<T>, bool), String> {
        let (mut members, mut comma) = (Vec::new(), false);
        while !self.accept(close) {
            members.push(member(self)?);
            comma = self.accept(',');
            if !comma {
                self.expect(close)?;
                break;
            }
        }
        Ok((members, comma))
    }

    /// A name, a call, or a text with a letter before its quotes.
    fn named(&mut self) -> Result<Value<'a>, String> {
        let mut name = self.word();
        while self.rest.starts_with('.') {
            self.skip();
            name = self.word();
        }
        let prefixed = matches!(name, "u" | "b" | "r") && self.rest.starts_with(is_quote);
        if prefixed {
            return self.quoted().map(Value::Text);
        }
        if self.peek() != Some('(') {
            return Ok(Value::Name(name));
        }
        let members = self.bracketed('(', |reader| reader.members(')', Self::argument))?;
        let (mut args, mut fields) = (Vec::new(), Vec::new());
        for (field, value) in members.0 {
            match field {
                Some(field) => fields.push((field, value)),
                None => args.push(value),
            }
        }
        Ok(Value::Call { name, args, fields })
    }

    fn argument(&mut self) -> Result<(Option<&'a str>, Literal<'a>), String> {
        let value = self.value()?;
        match value.value {
            Value::Name(name) if self.accept('=') => Ok((Some(name), self.value()?)),
            _ => Ok((None, value)),
        }
    }

    fn quoted(&mut self) -> Result<Cow<'a, str>, String> {
        let start = self.place;
        let open = self.skip().unwrap_or('\'');
        let ends = |c: char| closes(open, c) || c == '\\';
        let endless = || format!("the text that begins here has no end ({start})");
        let mut text = Cow::Borrowed("");
        loop {
            text += self.take(self.rest.find(ends).ok_or_else(endless)?);
            match self.skip() {
                Some('\\') => text.to_mut().extend(self.skip()),
                _ => return Ok(text),
            }
        }
    }

    fn number(&mut self) -> Result<Value<'a>, String> {
        let place = self.place;
        let mut before = ' ';
        let ends = |c: char| {
            let exponent = matches!(before, ' ' | 'e' | 'E') && matches!(c, '-' | '+');
            before = c;
            !(exponent || c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))
        };
        let text = self.take(self.rest.find(ends).unwrap_or(self.rest.len()));
        let plain = if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
        let value = plain.parse().map(Value::Int).or_else(|_| plain.parse().map(Value::Float));
        value.map_err(|_| format!("{:?} is no number ({place})", super::super::excerpt(text)))
    }

    /// Letters, digits and underscores; may be empty.
    fn word(&mut self) -> &'a str {
        let ends = |c: char| !(c.is_alphanumeric() || c == '_');
        self.take(self.rest.find(ends).unwrap_or(self.rest.len()))
    }

    fn expect(&mut self, token: char) -> Result<(), String> {
        if self.accept(token) {
            return Ok(());
        }
        let found = self.rest.chars().next().map_or("the end of the text".into(), |c| format!("{c:?}"));
        Err(self.wrong(&format!("expected {:?}, found {found}", token.to_string())))
    }

    fn accept(&mut self, token: char) -> bool {
        let found = self.peek() == Some(token);
        if found {
            self.skip();
        }
        found
    }

    /// The next character that is neither blank nor of a comment.
    fn peek(&mut self) -> Option<char> {
        loop {
            match self.rest.chars().next()? {
                '#' => while self.skip().is_some_and(|c| c != '\n') {},
                c if is_blank(c) => _ = self.skip(),
                c => return Some(c),
            }
        }
    }

    /// Goes on by one character.
    fn skip(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.take(c.len_utf8());
        Some(c)
    }

    /// Goes on by so many bytes.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        match taken.rfind('\n') {
            None => self.place.column += taken.chars().count(),
            Some(end) => {
                let line = self.place.line + taken.matches('\n').count();
                self.place = Place { line, column: 1 + taken[end + 1..].chars().count() };
            }
        }
        taken
    }

    fn wrong(&self, reason: &str) -> String {
        format!("{reason} ({})", self.place)
    }
}

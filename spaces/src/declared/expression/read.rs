//! Reading expressions.

use super::{Arithmetic, ArithmeticSign, Comparison, ComparisonSign, Expression, Names, Type};

/// Most characters of an expression.
const LONGEST: usize = 2000;

/// How deep brackets and signs may be nested.
const DEEPEST: usize = 40;

/// Reads a condition.
///
/// # Errors
/// What is wrong, and at which character (from 1).
pub(in crate::declared) fn read(text: &str, names: &dyn Names) -> Result<Expression, String> {
    let characters = text.chars().count();
    if characters > LONGEST {
        return Err(format!("{characters} characters are more than {LONGEST}"));
    }
    let mut reader = Reader { tokens: tokens(text)?, next: 0, depth: 0, names };
    let (expression, kind) = reader.any()?;
    match reader.peek() {
        Token::End if kind == Type::Bool => Ok(expression),
        Token::End => Err(format!("expected a condition, true or false; this is {}", kind.words())),
        _ => Err(reader.wrong("expected the end")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Quoted(String),
    Name(String),
    Sign(&'static str),
    End,
}

/// Longer signs first.
const SIGNS: [&str; 16] =
    ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "(", ")", "[", "]", ",", "="];

/// The tokens of a text, each with its character (from 1).
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let characters: Vec<char> = text.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < characters.len() {
        if characters[at].is_whitespace() {
            at += 1;
            continue;
        }
        let (token, length) =
            token(&characters[at..]).map_err(|reason| format!("character {}: {reason}", at + 1))?;
        found.push((at + 1, token));
        at += length;
    }
    found.push((characters.len() + 1, Token::End));
    Ok(found)
}

/// The first token of some characters, and how many it takes.
fn token(characters: &[char]) -> Result<(Token, usize), String> {
    let first = characters[0];
    let run = |inside: fn(char) -> bool| characters.iter().take_while(|c| inside(**c)).count();
    if first.is_ascii_digit() {
        let mut length = run(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
        // The sign of an exponent.
        if matches!(characters[length - 1], 'e' | 'E') && matches!(characters.get(length), Some('-' | '+')) {
            length += 1;
            length += characters[length..].iter().take_while(|c| c.is_ascii_digit()).count();
        }
        let digits: String = characters[..length].iter().filter(|c| **c != '_').collect();
        let number = digits.parse::<f64>().ok().filter(|number| number.is_finite());
        return number
            .map(|number| (Token::Number(number), length))
            .ok_or_else(|| format!("{digits} is not a number"));
    }
    if matches!(first, '\'' | '"') {
        let inside = characters[1..].iter().take_while(|c| **c != first).count();
        if inside + 1 == characters.len() {
            return Err("the quote does not end".into());
        }
        return Ok((Token::Quoted(characters[1..=inside].iter().collect()), inside + 2));
    }
    if first.is_alphabetic() || first == '_' {
        let length = run(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        return Ok((Token::Name(characters[..length].iter().collect()), length));
    }
    let starts = |sign: &&&str| sign.chars().enumerate().all(|(i, c)| characters.get(i) == Some(&c));
    match SIGNS.iter().find(starts) {
        Some(&"=") => Err("write == to compare".into()),
        Some(&sign) => Ok((Token::Sign(sign), sign.len())),
        None => Err(format!("{first:?} has no meaning here")),
    }
}

struct Reader<'n> {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
    names: &'n dyn Names,
}

type Typed = (Expression, Type);

impl Reader<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)].1
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    /// An error at the next token.
    fn wrong(&self, reason: impl std::fmt::Display) -> String {
        format!("character {}: {reason}", self.tokens[self.next.min(self.tokens.len() - 1)].0)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name(name) if name == word)
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(found) if *found == sign);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.eat(sign) { Ok(()) } else { Err(self.wrong(format!("expected `{sign}`"))) }
    }

    /// Reads something one level deeper.
    fn deeper(&mut self, read: fn(&mut Self) -> Result<Typed, String>) -> Result<Typed, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong(format!("nested more than {DEEPEST} deep")));
        }
        let found = read(self);
        self.depth -= 1;
        found
    }

    fn any(&mut self) -> Result<Typed, String> {
        self.joined("or", Self::all, Expression::Any)
    }

    fn all(&mut self) -> Result<Typed, String> {
        self.joined("and", Self::inverted, Expression::All)
    }

    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Typed, String>,
        join: fn(Vec<Expression>) -> Expression,
    ) -> Result<Typed, String> {
        let first = part(self)?;
        if !self.is_word(word) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.is_word(word) {
            self.next += 1;
            parts.push(part(self)?);
        }
        match parts.iter().find(|(_, kind)| *kind != Type::Bool) {
            Some((_, kind)) => Err(self.wrong(format!("`{word}` joins conditions, not {}", kind.words()))),
            None => Ok((join(parts.into_iter().map(|(part, _)| part).collect()), Type::Bool)),
        }
    }

    fn inverted(&mut self) -> Result<Typed, String> {
        if !self.is_word("not") {
            return self.compared();
        }
        self.next += 1;
        match self.deeper(Self::inverted)? {
            (inner, Type::Bool) => Ok((Expression::Not(Box::new(inner)), Type::Bool)),
            (_, kind) => Err(self.wrong(format!("`not` inverts a condition, not {}", kind.words()))),
        }
    }

    fn compared(&mut self) -> Result<Typed, String> {
        let left = self.sum()?;
        let not_in = self.is_word("not");
        if not_in || self.is_word("in") {
            self.next += 1 + usize::from(not_in);
            return Ok((self.listed(&left, not_in)?, Type::Bool));
        }
        let sign = match self.peek() {
            Token::Sign("<") => Comparison::Less,
            Token::Sign("<=") => Comparison::LessOrEqual,
            Token::Sign(">") => Comparison::Greater,
            Token::Sign(">=") => Comparison::GreaterOrEqual,
            Token::Sign("==") => Comparison::Equal,
            Token::Sign("!=") => Comparison::Different,
            _ => return Ok(left),
        };
        self.next += 1;
        let right = self.sum()?;
        self.comparison(left, sign, right)
    }

    fn comparison(&self, left: Typed, sign: Comparison, right: Typed) -> Result<Typed, String> {
        if left.1 != right.1 {
            return Err(self.wrong(format!("cannot compare {} with {}", left.1.words(), right.1.words())));
        }
        if !matches!(sign, Comparison::Equal | Comparison::Different) && left.1 != Type::Number {
            let reason = format!("< compares numbers, not {}; write == or !=", left.1.words());
            return Err(self.wrong(reason));
        }
        let compare = Expression::Compare(Box::new(left.0), ComparisonSign(sign), Box::new(right.0));
        Ok((compare, Type::Bool))
    }

    /// `in [a, b]` or `not in [a, b]`, after the words. Both are false for a choice that does not exist.
    fn listed(&mut self, left: &Typed, not_in: bool) -> Result<Expression, String> {
        self.expect("[")?;
        let sign = if not_in { Comparison::Different } else { Comparison::Equal };
        let mut compared = Vec::new();
        loop {
            let value = self.sum()?;
            compared.push(self.comparison(left.clone(), sign, value)?.0);
            if !self.eat(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(if not_in { Expression::All(compared) } else { Expression::Any(compared) })
    }

    fn sum(&mut self) -> Result<Typed, String> {
        self.calculated(&[("+", Arithmetic::Add), ("-", Arithmetic::Subtract)], Self::product)
    }

    fn product(&mut self) -> Result<Typed, String> {
        self.calculated(&[("*", Arithmetic::Multiply), ("/", Arithmetic::Divide)], Self::signed)
    }

    fn calculated(
        &mut self,
        signs: &[(&str, Arithmetic)],
        part: fn(&mut Self) -> Result<Typed, String>,
    ) -> Result<Typed, String> {
        let mut left = part(self)?;
        let mut length = 0;
        while let Some(&(sign, arithmetic)) = signs.iter().find(|(sign, _)| self.eat(sign)) {
            let right = part(self)?;
            if left.1 != Type::Number || right.1 != Type::Number {
                return Err(self.wrong(format!("`{sign}` takes numbers")));
            }
            length += 1;
            if length > DEEPEST {
                return Err(self.wrong(format!("more than {DEEPEST} terms")));
            }
            let calculate =
                Expression::Calculate(Box::new(left.0), ArithmeticSign(arithmetic), Box::new(right.0));
            left = (calculate, Type::Number);
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Typed, String> {
        if !self.eat("-") {
            return self.value();
        }
        match self.deeper(Self::signed)? {
            (inner, Type::Number) => Ok((Expression::Negative(Box::new(inner)), Type::Number)),
            (_, kind) => Err(self.wrong(format!("`-` takes a number, not {}", kind.words()))),
        }
    }

    fn value(&mut self) -> Result<Typed, String> {
        let start = self.next;
        match self.take() {
            Token::Number(number) => Ok((Expression::Number(number), Type::Number)),
            Token::Quoted(text) => Ok((Expression::Text(text), Type::Text)),
            Token::Sign("(") => {
                let inner = self.deeper(Self::any)?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Name(name) if !["and", "or", "not", "in"].contains(&name.as_str()) => {
                self.named(&name, start)
            }
            _ => {
                self.next = start;
                Err(self.wrong("expected a value"))
            }
        }
    }

    fn named(&mut self, name: &str, start: usize) -> Result<Typed, String> {
        let found = match name {
            "true" => return Ok((Expression::Bool(true), Type::Bool)),
            "false" => return Ok((Expression::Bool(false), Type::Bool)),
            _ if self.eat("(") => {
                let (Token::Name(argument) | Token::Quoted(argument)) = self.take() else {
                    self.next -= 1;
                    return Err(self.wrong("expected the name of an operation"));
                };
                self.expect(")")?;
                self.names.function(name, &argument)
            }
            _ => self.names.variable(name),
        };
        let (variable, kind) = found.map_err(|reason| {
            self.next = start;
            self.wrong(reason)
        })?;
        Ok((Expression::Variable(variable), kind))
    }
}

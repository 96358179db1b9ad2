//! The part of CEL in which allow-lists of images are written: a parser, and nothing that evaluates.
//!
//! What it does not know becomes [`Expression::Other`], so that a reader can say which part of a policy
//! was not understood.

/// An expression, as far as it matters here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Text(String),
    Number(String),
    List(Vec<Expression>),
    Name(String),
    /// `of.name`, `of.?name`.
    Field(Box<Expression>, String),
    /// `of[index]`.
    Index(Box<Expression>, Box<Expression>),
    /// `target.function(…)`, or `function(…)`.
    Call {
        target: Option<Box<Expression>>,
        function: String,
        arguments: Vec<Expression>,
    },
    Not(Box<Expression>),
    /// `&&`, `||`, `==`, `!=`, `in`, `+` and the like.
    Binary(&'static str, Box<Expression>, Box<Expression>),
    /// `condition ? then : otherwise`.
    Choice(Box<Expression>, Box<Expression>, Box<Expression>),
    Other,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    Name(String),
    Number(String),
    Sign(&'static str),
}

const SIGNS: [&str; 25] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "?", ":", ".", ",", "(", ")", "[", "]", "{",
    "}", "+", "-", "*", "/", "%", "|",
];
/// By precedence, from the weakest.
const LEVELS: [&[&str]; 5] =
    [&["||"], &["&&"], &["==", "!=", "<=", ">=", "<", ">", "in"], &["+", "-"], &["*", "/", "%"]];
/// Expressions inside each other; more are not understood.
const DEEPEST: usize = 64;

/// Parses an expression; `None` where the text is none.
pub(crate) fn parse(text: &str) -> Option<Expression> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0 };
    let expression = parser.expression()?;
    (parser.at == tokens.len()).then_some(expression)
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let word =
            rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(rest.len());
        let (raw, quoted) = match rest.strip_prefix(['r', 'R']) {
            Some(quoted) if quoted.starts_with(['\'', '"']) => (true, quoted),
            _ => (false, rest),
        };
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if quoted.starts_with(['\'', '"']) {
            let (text, behind) = quoted_text(quoted, raw)?;
            tokens.push(Token::Text(text));
            rest = behind;
        } else if word > 0 {
            let (name, behind) = rest.split_at_checked(word)?;
            let is_number = first.is_ascii_digit();
            tokens.push(if is_number {
                Token::Number(name.into())
            } else {
                Token::Name(name.into())
            });
            rest = behind;
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign))?;
            tokens.push(Token::Sign(sign));
            rest = rest.strip_prefix(sign)?;
        }
        rest = rest.trim_start();
    }
    Some(tokens)
}

/// A text in quotes, and what follows it.
fn quoted_text(text: &str, raw: bool) -> Option<(String, &str)> {
    let quote = text.chars().next()?;
    let mut found = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == quote {
            return Some((found, text.get(at + 1..)?));
        }
        if character == '\\' && !raw {
            found.push(match characters.next()?.1 {
                'n' => '\n',
                't' => '\t',
                same @ ('\\' | '\'' | '"' | '`' | '?') => same,
                _ => return None,
            });
        } else {
            found.push(character);
        }
    }
    None
}

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn expression(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let mut expression = self.binary(0)?;
        if self.takes("?") {
            let then = self.expression()?;
            self.expects(":")?;
            let otherwise = self.expression()?;
            expression =
                Expression::Choice(Box::new(expression), Box::new(then), Box::new(otherwise));
        }
        self.depth -= 1;
        Some(expression)
    }

    fn binary(&mut self, level: usize) -> Option<Expression> {
        let Some(signs) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some(sign) = signs.iter().copied().find(|sign| self.takes(sign)) {
            let right = self.binary(level + 1)?;
            left = Expression::Binary(sign, Box::new(left), Box::new(right));
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<Expression> {
        let mut negations = 0;
        while self.takes("!") {
            negations += 1;
        }
        let is_negative = self.takes("-");
        let mut expression = self.postfix()?;
        if is_negative {
            expression = Expression::Other;
        }
        for _ in 0..negations {
            expression = Expression::Not(Box::new(expression));
        }
        Some(expression)
    }

    fn postfix(&mut self) -> Option<Expression> {
        let mut expression = self.primary()?;
        loop {
            if self.takes(".") {
                self.takes("?");
                let Some(Token::Name(name)) = self.tokens.get(self.at).cloned() else {
                    return None;
                };
                self.at += 1;
                expression = if self.takes("(") {
                    let arguments = self.listed(")")?;
                    let target = Some(Box::new(expression));
                    Expression::Call { target, function: name, arguments }
                } else {
                    Expression::Field(Box::new(expression), name)
                };
            } else if self.takes("[") {
                self.takes("?");
                let index = self.expression()?;
                self.expects("]")?;
                expression = Expression::Index(Box::new(expression), Box::new(index));
            } else {
                return Some(expression);
            }
        }
    }

    fn primary(&mut self) -> Option<Expression> {
        let token = self.tokens.get(self.at).cloned()?;
        self.at += 1;
        Some(match token {
            Token::Text(text) => Expression::Text(text),
            Token::Number(number) => Expression::Number(number),
            Token::Name(name) if self.takes("(") => {
                Expression::Call { target: None, function: name, arguments: self.listed(")")? }
            }
            Token::Name(name) => Expression::Name(name),
            Token::Sign("(") => {
                let inner = self.expression()?;
                self.expects(")")?;
                inner
            }
            Token::Sign("[") => Expression::List(self.listed("]")?),
            Token::Sign("{") => {
                while !self.takes("}") {
                    self.expression()?;
                    self.expects(":")?;
                    self.expression()?;
                    self.takes(",");
                }
                Expression::Other
            }
            Token::Sign(_) => return None,
        })
    }

    /// Expressions with commas between them, up to what closes them.
    fn listed(&mut self, end: &'static str) -> Option<Vec<Expression>> {
        let mut items = Vec::new();
        while !self.takes(end) {
            self.takes("?");
            items.push(self.expression()?);
            if !self.takes(",") {
                self.expects(end)?;
                break;
            }
        }
        Some(items)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let takes = match self.tokens.get(self.at) {
            Some(Token::Sign(found)) => *found == sign,
            Some(Token::Name(name)) => name == sign && sign == "in",
            _ => false,
        };
        self.at += usize::from(takes);
        takes
    }

    fn expects(&mut self, sign: &str) -> Option<()> {
        self.takes(sign).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Expression, parse};

    #[test]
    fn rows() {
        for text in [
            "object.spec.containers.all(c, c.image.startsWith('gcr.io/'))",
            "!has(object.spec.initContainers) || object.spec.initContainers.all(c, true)",
            "has(a.b) ? a.b : []",
            "a.?b.orValue([]) + c",
            "(a) && (b || !c)",
            "x in ['a', \"b\",]",
            r"c.image.matches(r'^gcr\.io/.*')",
            "// why\na == 1 && b[0] < 2",
            "{'a': 1}.size() > 0",
        ] {
            assert!(parse(text).is_some(), "{text}");
        }
        for text in ["", "a b", "'a", "a.", "(a", "a ? b", "[a", "\u{e9}", &"(".repeat(100)] {
            assert_eq!(parse(text), None, "{text}");
        }
        let Some(Expression::Binary("||", _, right)) = parse("a && b || c && d") else { panic!() };
        assert!(matches!(*right, Expression::Binary("&&", ..)));
    }
}

//! The notation of formats, for literal formats: which mistake a text has, where it is, and what to write instead.
//!
//! The parser that builds layouts is in the runtime, which depends on this crate. The parser here builds nothing, and
//! refuses only formats that the runtime refuses. A test in `tests` compares the two; sizes are left to the runtime.

use std::fmt;

/// A problem of a format.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem<'a> {
    text: &'a str,
    /// In bytes.
    pub(super) position: usize,
    what: String,
    remedy: &'static str,
}

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} of {:?}; {}", self.what, self.position, self.text, self.remedy)
    }
}

/// Checks that `text` is a format.
///
/// # Errors
///
/// The first problem, from the left.
pub(super) fn check(text: &str) -> Result<(), Problem<'_>> {
    let mut reader = Reader { text, at: 0, standard: false, ordered: false };
    if let Some(nul) = text.find('\0') {
        reader.at = nul;
        return reader.refuse("a NUL", "remove it; a format ends where its text ends");
    }
    if let Some(standard) = reader.peek().and_then(is_standard) {
        reader.at += 1;
        reader.standard = standard;
        reader.ordered = true;
    }
    reader.items()
}

/// Whether an order character declares standard sizes; `None` if it is not an order character.
fn is_standard(order: u8) -> Option<bool> {
    match order {
        b'@' | b'^' => Some(false),
        b'=' | b'<' | b'>' | b'!' => Some(true),
        _ => None,
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Whether sizes are the same on all platforms.
    standard: bool,
    /// Whether an order was read for the next item.
    ordered: bool,
}

/// A record that is not closed yet: where it was opened, and the names of its fields so far.
struct Open<'a> {
    at: usize,
    names: Vec<&'a str>,
}

const ITEM_AFTER: &str = "put the code of an item after it, or remove it";

impl<'a> Reader<'a> {
    fn refuse<T>(&self, what: impl Into<String>, remedy: &'static str) -> Result<T, Problem<'a>> {
        self.refuse_at(self.at, what, remedy)
    }

    fn refuse_at<T>(&self, position: usize, what: impl Into<String>, remedy: &'static str) -> Result<T, Problem<'a>> {
        Err(Problem { text: self.text, position, what: what.into(), remedy })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> usize {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        self.at - start
    }

    fn space(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r'));
    }

    /// All items up to the end of the text.
    fn items(&mut self) -> Result<(), Problem<'a>> {
        let mut outer = Vec::new();
        let mut records: Vec<Open<'a>> = Vec::new();
        loop {
            self.space();
            match (self.peek(), records.last()) {
                (None, None) => return Ok(()),
                (None, Some(open)) => {
                    return self.refuse_at(open.at, "a record that is not closed", "put '}' after its last field");
                }
                (Some(b'}'), None) => {
                    return self.refuse("a '}' that closes no record", "remove it, or open the record with `T{`");
                }
                (Some(b'}'), Some(_)) if !self.ordered => {
                    self.at += 1;
                    records.pop();
                }
                _ => {
                    let code = self.head()?;
                    if code == "T" {
                        records.push(Open { at: self.at, names: Vec::new() });
                        self.at += 2;
                        continue;
                    }
                    self.scalar(code)?;
                }
            }
            let names = records.last_mut().map_or(&mut outer, |open| &mut open.names);
            self.name(names)?;
        }
    }

    /// The order, shape and count before an item's code, which is not consumed.
    fn head(&mut self) -> Result<&'a str, Problem<'a>> {
        self.order()?;
        let shaped = self.peek() == Some(b'(');
        if shaped {
            self.shape()?;
            self.space();
            self.order()?;
        }
        let counted = self.take_while(|byte| byte.is_ascii_digit()) > 0;
        let code = self.code(counted, shaped)?;
        self.ordered = false;
        Ok(code)
    }

    fn order(&mut self) -> Result<(), Problem<'a>> {
        let Some(standard) = self.peek().and_then(is_standard) else { return Ok(()) };
        if self.ordered {
            return self.refuse("a second byte order for one item", "remove one of them");
        }
        self.at += 1;
        self.standard = standard;
        self.ordered = true;
        self.space();
        Ok(())
    }

    fn shape(&mut self) -> Result<(), Problem<'a>> {
        self.at += 1;
        loop {
            self.space();
            let counted = self.take_while(|byte| byte.is_ascii_digit()) > 0;
            if counted {
                self.space();
            }
            match self.peek() {
                Some(b')') if counted => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b',') if counted => self.at += 1,
                _ => {
                    return self
                        .refuse("a shape that is not a list of numbers", "write the extents between commas: `(2,3)i`");
                }
            }
        }
    }

    fn code(&self, counted: bool, shaped: bool) -> Result<&'a str, Problem<'a>> {
        let rest = &self.text[self.at..];
        let mut characters = rest.chars();
        match characters.next() {
            None | Some('}') if counted => self.refuse("a count without an item", ITEM_AFTER),
            None | Some('}') if shaped => self.refuse("a shape without an item", ITEM_AFTER),
            None | Some('}') => self.refuse("a byte order without an item", ITEM_AFTER),
            Some(' ' | '\t'..='\r') => self.refuse("white space after a count", "put the count right before its code"),
            Some('(') if counted => self.refuse("a count before a shape", "put the count into the shape: `(2,3)i`"),
            Some(':') => self.refuse("a name without an item", "put the name after its item: `i:name:`"),
            Some('T') if characters.next() != Some('{') => {
                self.refuse("a 'T' without '{'", "write a record as `T{...}`")
            }
            Some('Z') => match characters.next() {
                Some('f' | 'd' | 'g') => Ok(&rest[..2]),
                _ => self.refuse("a 'Z' without the code of its parts", "write `Zf`, `Zd` or `Zg`"),
            },
            Some(code) => Ok(&rest[..code.len_utf8()]),
        }
    }

    fn scalar(&mut self, code: &str) -> Result<(), Problem<'a>> {
        match code {
            "n" | "N" | "P" | "g" | "Zg" if self.standard => self.refuse(
                format!("code '{code}', which has no standard size,"),
                "put `@` or `^` before it, or write a code that has one, such as `q` or `d`",
            ),
            "x" | "?" | "c" | "s" | "p" | "b" | "B" | "h" | "H" | "i" | "I" | "l" | "L" | "q" | "Q" | "n" | "N"
            | "P" | "e" | "f" | "d" | "g" | "F" | "D" | "Zf" | "Zd" | "Zg" | "u" | "w" => {
                self.at += code.len();
                Ok(())
            }
            "O" => self.refuse(
                "refused code 'O' (a Python object)",
                "consumers would take any bytes for the addresses of objects; for numbers that happen to be addresses \
                 write `P`",
            ),
            "&" => self.refuse(
                "refused code '&' (a typed pointer)",
                "consumers would follow any bytes as an address; write `P` for a bare one",
            ),
            "X" => self.refuse(
                "refused code 'X' (a function pointer)",
                "consumers would follow any bytes as an address; write `P` for a bare one",
            ),
            "t" => self.refuse(
                "refused code 't' (bits)",
                "no consumer reads bits; write the integer that holds them, such as `B`",
            ),
            other if other.is_ascii() => self.refuse(
                format!("unknown code {:?}", other.chars().next().unwrap_or_default()),
                "use the codes of Python's struct module, or `Zf`, `Zd`, `g`, `Zg`, `w`, `u`, `T{...}`",
            ),
            other => self.refuse(
                format!("a character that is not ASCII, {:?},", other.chars().next().unwrap_or_default()),
                "only the names of fields may contain such characters",
            ),
        }
    }

    /// `:name:`, which no earlier field of the record may have.
    fn name(&mut self, names: &mut Vec<&'a str>) -> Result<(), Problem<'a>> {
        let start = self.at;
        if self.peek() != Some(b':') {
            return Ok(());
        }
        let rest = &self.text[start + 1..];
        let Some(len) = rest.find(':') else {
            return self.refuse_at(start, "a name that does not end", "put a name between two colons: `i:name:`");
        };
        self.at += len + 2;
        let name = &rest[..len];
        if !names.contains(&name) {
            names.push(name);
            return Ok(());
        }
        self.refuse_at(start, format!("a second field named {name:?}"), "give each field of a record its own name")
    }
}

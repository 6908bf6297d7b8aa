//! A place in a text of Python, and what is skipped there: blanks, comments, texts, whole statements.
//!
//! Before `literal`, which reads expressions.

/// A place in a text.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Within brackets a line break means nothing.
    pub(super) in_brackets: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, in_brackets: 0 }
    }

    pub(super) fn line(&self) -> usize {
        self.text[..self.at].matches('\n').count() + 1
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn skip_blank_lines(&mut self) {
        loop {
            let line = self.rest().split_inclusive('\n').next().unwrap_or_default();
            let content = line.trim_start();
            if line.is_empty() || !(content.is_empty() || content.starts_with('#')) {
                return;
            }
            self.at += line.len();
        }
    }

    /// Takes a statement with the lines that belong to it: within brackets and long texts, behind a
    /// backslash, and all that is indented more.
    pub(super) fn statement(&mut self) -> &'a str {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(it) = self.peek() {
            match it {
                '\'' | '"' => {
                    if self.skip_string().is_none() {
                        self.skip_line();
                    }
                    continue;
                }
                '#' => {
                    let end = self.rest().find('\n').unwrap_or(self.rest().len());
                    self.at += end;
                    continue;
                }
                '\\' if self.rest().starts_with("\\\n") => self.at += 1,
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                '\n' if depth == 0 && !self.is_continued() => break,
                _ => {}
            }
            self.at += it.len_utf8();
        }
        self.text[start..self.at].trim()
    }

    /// Reports whether the next line that is not blank is indented.
    pub(super) fn is_continued(&self) -> bool {
        let lines = self.rest()[1..].lines();
        lines.into_iter().find(|line| !line.trim().is_empty()).is_some_and(|line| {
            line.starts_with([' ', '\t']) && !line.trim_start().starts_with('#')
        })
    }

    pub(super) fn skip_line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Skips blanks, comments, and line breaks where they mean nothing.
    pub(super) fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let blank = |it: char| it == ' ' || it == '\t' || it == '\r' || it == '\x0c';
            let is_break = |it: char| blank(it) || it == '\n';
            let trimmed = match self.in_brackets {
                0 => rest.trim_start_matches(blank),
                _ => rest.trim_start_matches(is_break),
            };
            self.at += rest.len() - trimmed.len();
            match trimmed {
                _ if trimmed.starts_with('#') => self.skip_line(),
                _ if trimmed.starts_with("\\\n") => self.at += 2,
                _ => return,
            }
        }
    }

    pub(super) fn take(&mut self, token: &str) -> Option<()> {
        self.skip();
        self.rest().starts_with(token).then(|| self.at += token.len())
    }

    /// Returns the letters before a quote, if a text begins here.
    pub(super) fn string_prefix(&self) -> Option<&'a str> {
        let end = self.rest().find(['\'', '"'])?;
        let prefix = &self.rest()[..end];
        let is_known = ["", "b", "br", "f", "fr", "r", "rb", "rf", "u"]
            .iter()
            .any(|known| prefix.eq_ignore_ascii_case(known));
        is_known.then_some(prefix)
    }

    /// Skips a text from quote to quote, and returns what is between them.
    pub(super) fn skip_string(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let long = ["'''", "\"\"\""].into_iter().find(|quote| rest.starts_with(quote));
        let quote = long.or_else(|| rest.get(..1))?;
        let mut at = quote.len();
        loop {
            let next = rest[at..].chars().next()?;
            if rest[at..].starts_with(quote) {
                self.at += at + quote.len();
                return Some(&rest[quote.len()..at]);
            }
            match next {
                '\n' if long.is_none() => return None,
                '\\' => at += 1 + rest[at + 1..].chars().next()?.len_utf8(),
                _ => at += next.len_utf8(),
            }
        }
    }
}

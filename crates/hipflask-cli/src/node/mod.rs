//! The configuration of one node: a file, or the environment of this process.
//!
//! Finds out the kind of a file and has it read; what is good or bad about it is known elsewhere. `dotenv`
//! and `python` know their formats, `reader`, `escape` and `literal` Python's texts and expressions.

mod dotenv;
mod escape;
mod literal;
mod python;
mod reader;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use hipflask::{
    config::{ConfigError, Examined, SessionConfig, settings},
    store::StoreKind,
};

use hipflask_core::value::Value;

use crate::output::Failure;

/// No configuration is larger; keeps a wrong path from filling the memory.
const MAX_FILE: u64 = 1 << 20;

/// What one node is configured with.
pub(crate) struct Node {
    /// The file, or `environment`.
    pub(crate) name: String,
    pub(crate) examined: Examined,
    /// What is not known for certain, in words.
    pub(crate) notes: Vec<String>,
    /// Where each process makes a key of its own.
    pub(crate) has_random_key: bool,
    /// There is a key, which only the program knows.
    has_unknown_key: bool,
}

/// Why a file is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeError {
    #[error("cannot read {name}: {error}")]
    Unreadable { name: String, error: io::Error },
    #[error("{name} is larger than a configuration: expected at most {MAX_FILE} bytes")]
    TooLarge { name: String },
    #[error("{name} is not UTF-8: expected TOML, a `.env` file, or Python that assigns settings")]
    NotText { name: String },
    #[error("{name}: {error}")]
    Syntax { name: String, error: ConfigError },
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        Self::Configuration(error.to_string())
    }
}

impl Node {
    /// Reads the variables of this process.
    pub(crate) fn of_environment(prefix: &str) -> Self {
        Self::new("environment".into(), Examined::of_vars(prefix, std::env::vars_os()))
    }

    /// Takes values by their names in Flask's configuration.
    pub(crate) fn of_values<'a>(
        name: &str,
        values: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Self {
        Self::new(name.into(), Examined::of_values(values))
    }

    /// Reads a file, whose kind its name tells: `.toml`, `.py` or `.cfg`; all others are `.env` files.
    pub(crate) fn of_file(path: &Path, prefix: &str) -> Result<Self, NodeError> {
        Self::of_text(path, &text_of(path)?, prefix)
    }

    /// Takes the text of a file, whose kind its name tells.
    pub(crate) fn of_text(path: &Path, text: &str, prefix: &str) -> Result<Self, NodeError> {
        let name = path.display().to_string();
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("toml") => match Examined::of_toml(text) {
                Ok(examined) => Ok(Self::new(name, examined)),
                Err(error) => Err(NodeError::Syntax { name, error }),
            },
            Some("py" | "cfg") => Ok(Self::of_python(name, text)),
            _ => Ok(Self::of_dotenv(name, text, prefix)),
        }
    }

    /// Returns the configuration for reading what there is: a weak key is for `audit` to judge.
    pub(crate) fn config_for_reading(&self) -> Option<SessionConfig> {
        Some(self.examined.config()?.clone().insecure_accept_weak_key())
    }

    /// Returns the address of the store of sessions, which may have a password in it.
    pub(crate) fn store(&self) -> Option<&str> {
        self.examined.address("SESSION_STORE")
    }

    /// Returns what may be shown of a setting that is set.
    pub(crate) fn shown(&self, name: &str) -> Option<String> {
        let address = self.examined.address(name);
        let address =
            address.map(|it| StoreKind::shown(it).unwrap_or_else(|| "(an address)".into()));
        address.or_else(|| self.examined.shown(name).map(str::to_owned))
    }

    /// Returns what is wrong for certain.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &ConfigError> {
        let is_known = |fault: &&ConfigError| {
            !(self.has_unknown_key && matches!(fault, ConfigError::NoKey { .. }))
        };
        self.examined.faults().iter().filter(is_known)
    }

    const fn new(name: String, examined: Examined) -> Self {
        Self { name, examined, notes: Vec::new(), has_random_key: false, has_unknown_key: false }
    }

    fn of_python(name: String, text: &str) -> Self {
        let file = python::read(text);
        let mut node = Self::new(name, Examined::of_values(file.values));
        for computed in file.computed.iter().filter(|computed| is_setting(&computed.name)) {
            let (line, name) = (computed.line, &computed.name);
            node.has_unknown_key |= name == "SECRET_KEY";
            node.notes.push(if name == "SECRET_KEY" && computed.is_random {
                node.has_random_key = true;
                format!(
                    "line {line}: {name} is random: each start of each process makes another one"
                )
            } else {
                format!("line {line}: {name} is computed, so its value is not known here")
            });
        }
        node.notes.extend(lines(&file.statements).map(|lines| {
            format!(
                "{lines}: expected `NAME = literal`, so what else is done to settings is not known"
            )
        }));
        node
    }

    fn of_dotenv(name: String, text: &str, prefix: &str) -> Self {
        let file = dotenv::read(text, |name| std::env::var(name).ok());
        let mut notes: Vec<_> = lines(&file.skipped)
            .map(|lines| format!("{lines}: expected NAME=VALUE, and Flask reads past it"))
            .into_iter()
            .collect();
        notes.extend(lines(&file.comments).map(|lines| {
            format!(
                "{lines}: empty, but python-dotenv before 1.2.4 takes the comment for the value"
            )
        }));
        let bare = file.values.iter().map(|(name, _)| name.as_str());
        let bare: Vec<_> = bare.filter(|name| !prefix.is_empty() && is_setting(name)).collect();
        if !bare.is_empty() {
            let prefix = prefix.trim_end_matches('_');
            notes.push(format!(
                "without the prefix {prefix}_ nobody reads {}: add it, or say --prefix '' if the app \
                 does it by itself",
                bare.join(", ")
            ));
        }
        Self { notes, ..Self::new(name, Examined::of_vars(prefix, file.values)) }
    }
}

/// Reads the text of a configuration.
pub(crate) fn text_of(path: &Path) -> Result<String, NodeError> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(
        |error| {
            // Whoever mistakes the argument gives a key, which has no extension.
            let is_file = error.kind() != io::ErrorKind::NotFound || name.contains(['.', '/']);
            let name = if is_file { name.clone() } else { "a file (not shown)".into() };
            NodeError::Unreadable { name, error }
        },
    )?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(NodeError::TooLarge { name });
    }
    String::from_utf8(bytes).map_err(|_| NodeError::NotText { name })
}

fn is_setting(name: &str) -> bool {
    settings().iter().any(|setting| setting.name() == name)
}

/// Names lines, unless there are none.
fn lines(numbers: &[usize]) -> Option<String> {
    let texts: Vec<_> = numbers.iter().take(5).map(ToString::to_string).collect();
    let more = if numbers.len() > texts.len() { ", …" } else { "" };
    match numbers.len() {
        0 => None,
        1 => Some(format!("line {}", texts[0])),
        _ => Some(format!("lines {}{more}", texts.join(", "))),
    }
}

//! Passwords on the command line, as Flask's packages hash them: hash one, or verify it.
//!
//! ```sh
//! cargo run --example passwords                          # asks for a password, and hashes it
//! cargo run --example passwords -- --scheme werkzeug     # as Werkzeug reads it
//! cargo run --example passwords -- 'scrypt:32768:8:1$…'  # asks for a password, and verifies it
//! ```

use std::io::{self, Write};

use clap::{Parser, ValueEnum};
use hipflask::password::{LongPasswords, Passwords, Scheme};

#[derive(Parser)]
struct Options {
    /// The hash to verify the password with; without one, the password is hashed
    hash: Option<String>,
    /// How to hash it
    #[arg(long, default_value = "argon2id")]
    scheme: Method,
    /// The Flask app has `BCRYPT_HANDLE_LONG_PASSWORDS = True`
    #[arg(long)]
    long: bool,
}

#[derive(Clone, ValueEnum)]
enum Method {
    Argon2id,
    Bcrypt,
    Werkzeug,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let passwords = Passwords::new()
        .with_scheme(match options.scheme {
            Method::Argon2id => Scheme::ARGON2ID,
            Method::Bcrypt => Scheme::BCRYPT,
            Method::Werkzeug => Scheme::WERKZEUG,
        })
        .with_long_passwords(if options.long {
            LongPasswords::Sha256
        } else {
            LongPasswords::Refused
        });
    eprintln!("Password:");
    let password = io::stdin().lines().next().transpose()?.unwrap_or_default();
    let mut out = io::stdout().lock();
    match options.hash {
        None => writeln!(out, "{}", passwords.hash(&password)?)?,
        Some(hash) if passwords.verify(&hash, &password)? => {
            let rehash = if passwords.needs_rehash(&hash) { ", needs a new hash" } else { "" };
            writeln!(out, "right{rehash}")?;
        }
        Some(_) => writeln!(out, "wrong")?,
    }
    Ok(())
}

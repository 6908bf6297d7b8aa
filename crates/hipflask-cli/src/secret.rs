//! `hipflask secret`: makes a new key.

use hipflask_core::encoding;

use crate::{
    cli::SecretArgs,
    output::{Failure, Status, print_line},
};

/// Prints a new key.
pub(crate) fn run(args: &SecretArgs) -> Result<Status, Failure> {
    let mut bytes = vec![0; args.bytes.into()];
    getrandom::fill(&mut bytes).map_err(Failure::Entropy)?;
    print_line(encoding::encode_url(&bytes).as_bytes())?;
    Ok(Status::Done)
}

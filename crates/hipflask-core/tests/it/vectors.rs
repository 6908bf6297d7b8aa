//! Runs the recorded answers of real Flask: `tests/vectors/*.jsonl`, one case per line.
//!
//! A test takes a file, names a check for each kind of row, and `finish` fails if a row is left
//! that was neither checked nor given a reason.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use serde::Deserialize as _;
use serde_json::Value;

/// The rows of one file that have not been accounted for.
#[must_use = "only `finish` finds rows that no check has seen"]
pub(crate) struct Vectors {
    file: PathBuf,
    rows: BTreeMap<u64, Row>,
    /// Rows whose check must fail.
    different: BTreeMap<u64, Row>,
}

impl Vectors {
    /// Reads `tests/vectors/{name}.jsonl`, whose `meta` row says what wrote it.
    #[track_caller]
    pub(crate) fn load(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
        let file = folder.join(name).with_extension("jsonl");
        let text = std::fs::read_to_string(&file).expect("the vectors are part of the repository");
        let mut rows = BTreeMap::new();
        for line in text.lines() {
            let mut reader = serde_json::Deserializer::from_str(line);
            reader.disable_recursion_limit(); // nested sessions are among the cases
            let row = Row(Value::deserialize(&mut reader).expect("each line is a JSON object"));
            let id = row.id();
            if row.kind() != "meta" {
                assert!(rows.insert(id, row).is_none(), "two rows have the id {id}");
            }
        }
        Self { file, rows, different: BTreeMap::new() }
    }

    /// Leaves all rows of other kinds to other tests, which read the same file.
    #[track_caller]
    pub(crate) fn only(mut self, kinds: &[&str]) -> Self {
        self.rows.retain(|_, row| kinds.contains(&row.kind()));
        self
    }

    /// Names rows that are answered differently on purpose, before the check that must then fail:
    /// a row that agrees after all does not belong here.
    #[track_caller]
    pub(crate) fn differ(mut self, ids: impl IntoIterator<Item = u64>, reason: &str) -> Self {
        assert!(!reason.is_empty());
        for id in ids {
            let row = self.rows.remove(&id);
            let row = row.unwrap_or_else(|| panic!("no row {id} in {}", self.file.display()));
            self.different.insert(id, row);
        }
        self
    }

    /// Checks every row of a kind; `""` are the rows of a file that has only one kind.
    #[track_caller]
    pub(crate) fn check(mut self, kind: &str, check: impl Fn(&Row)) -> Self {
        let rows = take(&mut self.rows, kind);
        assert!(!rows.is_empty(), "no rows of kind {kind} are left in {}", self.file.display());
        let agrees = |row: &Row| catch_unwind(AssertUnwindSafe(|| check(row))).is_ok();
        let ids = |rows: Vec<Row>| rows.iter().map(Row::id).collect::<Vec<_>>();
        let (_, failed): (Vec<_>, _) = rows.into_iter().partition(agrees);
        assert!(failed.is_empty(), "these rows failed, as said above: {:?}", ids(failed));
        let (agreed, _): (Vec<_>, _) =
            take(&mut self.different, kind).into_iter().partition(agrees);
        assert!(
            agreed.is_empty(),
            "these rows agree, so they are no difference: {:?}",
            ids(agreed)
        );
        self
    }

    /// Leaves a kind of rows to the test that `reason` names.
    #[track_caller]
    pub(crate) fn leave(mut self, kind: &str, reason: &str) -> Self {
        assert!(!reason.is_empty());
        let rows = take(&mut self.rows, kind);
        assert!(!rows.is_empty(), "no rows of kind {kind} are left in {}", self.file.display());
        self
    }

    /// Fails if a row is left over.
    #[track_caller]
    pub(crate) fn finish(self) {
        let left: Vec<_> = self.rows.keys().chain(self.different.keys()).collect();
        assert!(left.is_empty(), "nobody checked these rows of {}: {left:?}", self.file.display());
    }
}

fn take(rows: &mut BTreeMap<u64, Row>, kind: &str) -> Vec<Row> {
    let (taken, left) = std::mem::take(rows).into_iter().partition(|(_, row)| row.kind() == kind);
    *rows = left;
    BTreeMap::into_values(taken).collect()
}

/// One recorded case.
#[derive(Debug)]
pub(crate) struct Row(Value);

impl Row {
    pub(crate) fn id(&self) -> u64 {
        self.0["id"].as_u64().expect("each row has an id")
    }

    pub(crate) fn kind(&self) -> &str {
        self.field("kind").as_str().unwrap_or_default()
    }

    /// The content of a field, `Value::Null` if there is none.
    pub(crate) fn field(&self, name: &str) -> &Value {
        &self.0[name]
    }

    /// The content of a field that is an object, as a row of its own.
    pub(crate) fn object(&self, name: &str) -> Option<Self> {
        let mut object = self.0.get(name).filter(|field| field.is_object())?.clone();
        object["id"] = self.0["id"].clone();
        Some(Self(object))
    }

    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_else(|| panic!("{name} is no text in {self:?}"))
    }

    /// The text of a field, or the bytes of the same field in hexadecimal if the text is not UTF-8.
    #[track_caller]
    pub(crate) fn text_or_hex(&self, name: &str) -> Vec<u8> {
        match self.0[name].as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => self.bytes(&format!("{name}_hex")),
        }
    }

    /// The bytes of a field in hexadecimal.
    #[track_caller]
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        self.bytes_if_any(name).unwrap_or_else(|| panic!("{name} is missing in {self:?}"))
    }

    /// The bytes of a field in hexadecimal, or `None` where it is null or missing.
    #[track_caller]
    pub(crate) fn bytes_if_any(&self, name: &str) -> Option<Vec<u8>> {
        self.0[name].as_str().map(from_hex)
    }

    /// Compares and names the row if the comparison fails.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "reads like the macro of the same name")]
    pub(crate) fn assert_eq<T: Debug + PartialEq>(&self, actual: T, expected: T) {
        assert_eq!(actual, expected, "in row {self:?}");
    }
}

/// Reads an even number of hexadecimal digits.
#[track_caller]
pub(crate) fn from_hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("hexadecimal digits only") as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

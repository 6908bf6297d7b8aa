//! Answers that do not come: what is asked again, and what is found then.

use hipflask_core::{
    engine::{EngineError, Outcome, Saving, Wish},
    store::{Answer, Created, Deleted, Question, Record, Replaced, Revision, StoreError},
    value::{Dict, Value},
};

use super::{conflict, dict, encode, key, replaced, saving, wish};
use crate::driver::{lost, unreachable};

type Heard = Result<Answer, StoreError>;

/// Gives the answers one after the other, and returns what became of the session and what was asked.
fn run(mut saving: Saving, answers: Vec<Heard>) -> (Result<Option<Outcome>, EngineError>, String) {
    let mut asked = Vec::new();
    for answer in answers {
        asked.push(saving.question().expect("there are answers left").word());
        if let Err(error) = saving.answer(answer) {
            return (Err(error), asked.join(" "));
        }
    }
    (Ok(saving.outcome()), asked.join(" "))
}

#[track_caller]
fn check(saving: Saving, answers: Vec<Heard>, asked: &str, outcome: Outcome) {
    let (actual, words) = run(saving, answers);
    assert_eq!((actual.unwrap(), words.as_str()), (Some(outcome), asked));
}

#[track_caller]
fn check_error(saving: Saving, answers: Vec<Heard>) -> EngineError {
    let n_answers = answers.len();
    let (actual, asked) = run(saving, answers);
    assert_eq!(asked.split(' ').count(), n_answers, "it fails at the last answer");
    actual.unwrap_err()
}

#[track_caller]
fn check_in_doubt(saving: Saving, answers: Vec<Heard>) {
    let error = check_error(saving, answers);
    assert!(matches!(error, EngineError::InDoubt(_)), "{error}");
    assert!(error.is_unavailable() && error.to_string().contains("is unknown"), "{error}");
}

fn base() -> Dict {
    dict(&[("a", 1)])
}

fn mine() -> Dict {
    dict(&[("a", 1), ("mine", 1)])
}

fn theirs() -> Dict {
    dict(&[("a", 1), ("theirs", 1)])
}

fn creating() -> Saving {
    Saving::new(None, wish(Some(mine()))).unwrap()
}

fn ending() -> Saving {
    saving(&base(), wish(None))
}

fn replacing() -> Saving {
    saving(&base(), wish(Some(mine())))
}

fn renewing() -> Saving {
    saving(&base(), Wish { key: key("new"), ..wish(Some(base())) })
}

fn renewing_in_two_steps() -> Saving {
    let wish = Wish { key: key("new"), renews_at_once: false, ..wish(Some(base())) };
    saving(&base(), wish)
}

/// Its record may move to a key that other requests know, too.
fn moving(content: Option<Dict>) -> Saving {
    let moved = Some(key("hashed"));
    saving(&base(), Wish { key: key("hashed"), moved, ..wish(content) })
}

fn there(content: &Dict) -> Heard {
    Ok(conflict(encode(content)))
}

fn retired() -> Heard {
    Ok(conflict(*b"\xc0"))
}

fn gone() -> Heard {
    Ok(Answer::Replaced(Replaced::Gone))
}

fn written() -> Heard {
    Ok(replaced())
}

fn created() -> Heard {
    Ok(Answer::Created(Created::Created(Revision::default())))
}

fn exists() -> Heard {
    Ok(Answer::Created(Created::Exists))
}

fn deleted() -> Heard {
    Ok(Answer::Deleted(Deleted::Deleted))
}

fn loaded(content: Option<&Dict>) -> Heard {
    Ok(Answer::Loaded(content.map(|content| Record::new(encode(content)))))
}

fn key_is_taken() -> Heard {
    Err(StoreError::Key("the new session id is taken"))
}

#[test]
fn first_write_and_end_are_asked_again() {
    let saved = Outcome::Saved;
    check(creating(), vec![lost(), created()], "create create", saved);
    // Nobody else knows the id: what is there is what was written.
    check(creating(), vec![lost(), exists()], "create create", saved);
    check(creating(), vec![lost(), lost(), exists()], "create create create", saved);
    let gone = Ok(Answer::Deleted(Deleted::Gone));
    check(ending(), vec![lost(), gone], "delete delete", Outcome::Ended);
}

#[test]
fn repeated_compare_and_swap_tells_whether_it_was_done() {
    let (again, saved) = ("replace replace", Outcome::Saved);
    check(replacing(), vec![lost(), written()], again, saved);
    let both = dict(&[("a", 1), ("mine", 1), ("theirs", 1)]);
    for ours in [mine(), both] {
        check(replacing(), vec![lost(), there(&ours)], again, saved);
    }
    // It was not done: only the revision is another.
    let old = vec![lost(), there(&base()), written()];
    check(replacing(), old, "replace replace replace", saved);
    // There is no doubt left when another request comes in between.
    let later = vec![lost(), there(&base()), there(&theirs()), written()];
    check(replacing(), later, "replace replace replace replace", saved);
    check(replacing(), vec![lost(), gone()], again, Outcome::Gone);
}

#[test]
fn repeated_compare_and_swap_that_finds_neither_is_in_doubt() {
    check_in_doubt(replacing(), vec![lost(), there(&theirs())]);
    check_in_doubt(replacing(), vec![lost(), unreachable(), there(&theirs())]);
    // Whoever has renewed the session may have taken along what was written.
    check_in_doubt(replacing(), vec![lost(), retired()]);
    check_in_doubt(replacing(), vec![lost(), Ok(conflict(*b"\xc1"))]);
}

#[test]
fn what_was_appended_is_not_appended_twice() {
    let list = |items: &[i32]| {
        let items: Vec<_> = items.iter().map(|item| Value::from(*item)).collect();
        Dict::from_iter([("list".into(), Value::List(items))])
    };
    let grown = vec!["list".into()];
    let appending = saving(&list(&[1]), Wish { grown, ..wish(Some(list(&[1, 2]))) });
    check_in_doubt(appending, vec![lost(), there(&list(&[1, 2, 3]))]);
}

#[test]
fn renewal_in_one_step_is_asked_for_at_its_new_key() {
    let (there_now, saved) = (|| loaded(Some(&base())), Outcome::Saved);
    check(renewing(), vec![lost(), written()], "renew renew", saved);
    let confirm = "renew renew load";
    // Depending on what a store looks at first.
    for answer in [retired, gone, key_is_taken] {
        check(renewing(), vec![lost(), answer(), there_now()], confirm, saved);
    }
    let lost_again = vec![lost(), retired(), lost(), there_now()];
    check(renewing(), lost_again, "renew renew load load", saved);
    // It is another request's.
    let theirs_now = Outcome::RenewedElsewhere;
    check(renewing(), vec![lost(), retired(), loaded(None)], confirm, theirs_now);
    check(renewing(), vec![lost(), gone(), loaded(None)], confirm, Outcome::Gone);
    // Had it been done, the record would be retired.
    check(renewing(), vec![lost(), there(&theirs()), written()], "renew renew renew", saved);
    let mut confirming = renewing();
    for answer in [lost(), retired()] {
        confirming.answer(answer).unwrap();
    }
    let is_new =
        |question| matches!(question, Some(Question::Load { key, .. }) if key.as_str() == "new");
    assert!(is_new(confirming.question()), "{:?}", confirming.question());
}

#[test]
fn renewal_in_two_steps_repeats_either_step() {
    let check = |answers, asked, outcome| check(renewing_in_two_steps(), answers, asked, outcome);
    let saved = Outcome::Saved;
    check(vec![created(), written()], "create replace", saved);
    check(vec![lost(), exists(), written()], "create create replace", saved);
    check(vec![created(), lost(), written()], "create replace replace", saved);
    check(vec![created(), lost(), retired()], "create replace replace", saved);
    // Without a doubt the mark is another's, and what was written is removed.
    let undo = "create replace delete";
    check(vec![created(), retired(), deleted()], undo, Outcome::RenewedElsewhere);
    check(vec![created(), gone(), deleted()], undo, Outcome::Gone);
    check(
        vec![created(), gone(), lost(), deleted()],
        "create replace delete delete",
        Outcome::Gone,
    );
    // What another request has written is brought along.
    let theirs = || there(&theirs());
    check(
        vec![created(), lost(), theirs(), written(), written()],
        "create replace replace replace replace",
        saved,
    );
    check(
        vec![created(), theirs(), lost(), theirs(), written()],
        "create replace replace replace replace",
        saved,
    );
    // Of what was created without an answer, the revision is not known.
    check(
        vec![lost(), exists(), theirs(), there(&base()), written(), written()],
        "create create replace replace replace replace",
        saved,
    );
    let error = check_error(renewing_in_two_steps(), vec![exists()]);
    assert!(matches!(error, EngineError::IdTaken), "{error}");
}

#[test]
fn record_that_may_have_moved_is_looked_for_where_it_went() {
    let renewal = "renew renew load";
    let mine = || moving(Some(mine()));
    let ours = loaded(Some(&dict(&[("a", 1), ("mine", 1)])));
    check(mine(), vec![lost(), retired(), ours], renewal, Outcome::Saved);
    // Another request has moved what there was.
    let moved = vec![lost(), retired(), loaded(Some(&base())), written()];
    check(mine(), moved, "renew renew load replace", Outcome::Saved);
    check_in_doubt(mine(), vec![lost(), retired(), loaded(Some(&theirs()))]);
    check_in_doubt(mine(), vec![lost(), retired(), loaded(None)]);
    // What ends is not in doubt.
    let ended = vec![lost(), there(&theirs()), written(), deleted()];
    check(moving(None), ended, "replace replace replace delete", Outcome::Ended);
    let nothing = vec![lost(), retired(), loaded(None), deleted()];
    check(moving(None), nothing, "replace replace load delete", Outcome::Ended);
    // Without a doubt the mark is another's.
    let theirs_now = vec![retired(), loaded(None)];
    check(moving(None), theirs_now, "replace load", Outcome::RenewedElsewhere);
    let marked = vec![retired(), loaded(Some(&theirs())), lost(), retired(), deleted()];
    check(moving(None), marked, "replace load replace replace delete", Outcome::Ended);
}

#[test]
fn question_is_repeated_at_most_twice() {
    for start in [creating, ending, replacing, renewing, renewing_in_two_steps] {
        for lost in [lost, unreachable] {
            let error = check_error(start(), vec![lost(), lost(), lost()]);
            assert!(matches!(error, EngineError::Store(_)), "{error}");
            assert!(error.is_unavailable(), "{error}");
        }
    }
    // The next question may be repeated as often.
    let twice = vec![lost(), lost(), there(&base()), lost(), lost(), written()];
    let asked = ["replace"; 6].join(" ");
    check(replacing(), twice, &asked, Outcome::Saved);
}

#[test]
fn what_asking_again_does_not_mend_is_not_asked_again() {
    let errors: [fn() -> StoreError; 5] = [
        || StoreError::Deadline,
        || StoreError::Key("too long"),
        || StoreError::refused("no such table"),
        || StoreError::TooLarge { size: 2, limit: 1 },
        || StoreError::Unsupported("renew"),
    ];
    for start in [creating, ending, replacing, renewing, renewing_in_two_steps] {
        for error in errors {
            let error = check_error(start(), vec![Err(error())]);
            assert!(matches!(error, EngineError::Store(_)), "{error}");
        }
    }
}

#[test]
fn store_that_was_not_reached_leaves_no_doubt() {
    let merged = vec![unreachable(), there(&theirs()), written()];
    check(replacing(), merged, "replace replace replace", Outcome::Saved);
    check(renewing(), vec![unreachable(), retired()], "renew renew", Outcome::RenewedElsewhere);
    let error = check_error(creating(), vec![unreachable(), exists()]);
    assert!(matches!(error, EngineError::IdTaken), "{error}");
    let error = check_error(renewing(), vec![unreachable(), key_is_taken()]);
    assert!(matches!(error, EngineError::Store(_)), "{error}");
}

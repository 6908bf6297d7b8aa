//! Who of a request's tasks may ask the store.

use hipflask_core::visit::Turns;

#[test]
fn updates_come_in_their_order_and_saving_comes_last() {
    let mut turns = Turns::default();
    let [first, second, third] = [(); 3].map(|()| turns.enter().unwrap());
    let save = turns.close().unwrap();
    assert!(turns.is_on(first));
    assert!(![second, third, save].iter().any(|turn| turns.is_on(*turn)));
    // Whoever gives up leaves, whoever's turn it is.
    turns.leave(second);
    assert!(turns.is_on(first));
    turns.leave(first);
    assert!(turns.is_on(third) && !turns.is_on(first) && !turns.is_on(save));
    turns.leave(third);
    assert!(turns.is_on(save));
}

#[test]
fn nobody_comes_after_saving() {
    let mut turns = Turns::default();
    assert!(!turns.is_closed());
    let save = turns.close().unwrap();
    assert!(turns.is_on(save) && turns.is_closed());
    assert_eq!((turns.enter(), turns.close()), (None, None));
    turns.leave(save);
    assert_eq!((turns.enter(), turns.close()), (None, None));
    assert!(turns.is_closed());
}

#[test]
fn who_only_looks_may_come_late() {
    let mut turns = Turns::default();
    let save = turns.close().unwrap();
    let look = turns.enter_to_read();
    assert!(turns.is_on(save) && !turns.is_on(look));
    turns.leave(save);
    assert!(turns.is_on(look) && turns.enter().is_none());
}

#[test]
fn sealed_line_lets_nobody_change_anything() {
    let mut turns = Turns::default();
    let update = turns.enter().unwrap();
    turns.seal();
    assert!(turns.is_closed() && turns.is_on(update), "who is in the line stays");
    assert_eq!((turns.enter(), turns.close()), (None, None));
}

//! Four requests in random order: too many to try them all.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{IdStorage, SCENE, Scene, Start, World, oracle, program::Program};

proptest! {
    #[test]
    fn four_requests_lose_nothing_and_revive_nothing(
        programs in vec(select(&Program::ALL), 4),
        order in vec(0..5_usize, 64),
        start in select(&[Start::Poor, Start::Rich]),
        id_storage in select(&[IdStorage::Plain, IdStorage::HashedFromPlain]),
        expires in any::<bool>(),
        in_two_steps in any::<bool>(),
    ) {
        // The moving record is one that a store moves in one step here.
        let renews_in_two_steps = in_two_steps && id_storage == IdStorage::Plain;
        let scene = Scene { start, expires, renews_in_two_steps, id_storage, ..SCENE };
        let mut world = World::new(scene, &programs);
        for at in order.into_iter().chain((0..4).cycle().take(400)) {
            let Some(request) = world.requests.get(at) else {
                world.expire();
                continue;
            };
            if let Some(ask) = request.ask() {
                prop_assert_eq!(world.step(at, ask), Ok(()));
            }
        }
        prop_assert!(world.requests.iter().all(|request| request.ask().is_none()), "still busy");
        prop_assert_eq!(oracle::check(&world), Ok(()));
    }
}

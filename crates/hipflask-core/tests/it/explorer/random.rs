//! Four requests in random order: too many to try them all.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    COUNTINGS, Fate, IdStorage, SCENE, Scene, Start, World, fates, oracle, program::Program,
};

proptest! {
    #[test]
    fn four_requests_lose_nothing_and_revive_nothing(
        programs in vec((select(&Program::ALL), select(&COUNTINGS)), 4),
        order in vec((0..6_usize, 0..8_usize), 64),
        start in select(&[Start::Poor, Start::Rich]),
        id_storage in select(&[IdStorage::Plain, IdStorage::HashedFromPlain]),
        expires in any::<bool>(),
        renews_in_two_steps in any::<bool>(),
        losses in 0..3_u32,
    ) {
        let scene = Scene { start, expires, renews_in_two_steps, id_storage, losses, ..SCENE };
        let mut world = World::new(scene, scene.rules(), &programs);
        let mut schedule = Vec::new();
        for (at, luck) in order.into_iter().chain((0..4).cycle().map(|at| (at, 0)).take(400)) {
            let Some(request) = world.requests.get(at).cloned() else {
                schedule.push((at, "expires, or is late", Fate::Late));
                if at == 4 { world.expire() } else { world.do_late() }
                continue;
            };
            if let Some(question) = request.question() {
                let fates = fates(&world, question);
                let fate = fates.get(luck).copied().unwrap_or(Fate::Heard);
                // Nobody gives up two questions at a time here.
                let fate = if world.late.is_some() { Fate::Heard } else { fate };
                schedule.push((at, question.word(), fate));
                prop_assert!(world.step(at, fate).is_ok());
            }
        }
        world.do_late();
        prop_assert!(world.requests.iter().all(|it| it.question().is_none()), "still busy");
        let ends: Vec<_> = world.requests.iter().map(|it| (it.counted, it.end.clone())).collect();
        let contents: Vec<_> = world.memory.contents().collect();
        prop_assert_eq!(oracle::check(&world), Ok(()), "{:?}", (scene, schedule, ends, contents));
    }
}

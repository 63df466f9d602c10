//! Conversations of several turns under each setting of `multi_turn`.

use guilloche::audit::Counter;
use serde_json::Value;

use crate::talk::{CHAT, MESSAGES, Talk, World, caller, suspicious};

/// The same conversation of a caller to whom nothing is done.
async fn untouched(path: &'static str, stream: bool) -> Value {
    let world = World::new("restore");
    let mut talk = Talk::new(path, stream);
    assert_eq!(talk.held(&world, caller("alice", 0.1)).await, [200; 3]);
    talk.body
}

#[tokio::test]
async fn restored_conversations_go_on_and_the_upstream_sees_what_it_wrote() {
    for (path, stream) in [(MESSAGES, false), (MESSAGES, true), (CHAT, false), (CHAT, true)] {
        let world = World::new("restore");
        let plain = untouched(path, stream).await;
        // The last request had all answers but the last.
        let mut expected = plain.clone();
        expected["messages"].as_array_mut().unwrap().pop();
        let mut marked = 0;
        for caller in suspicious() {
            let mut talk = Talk::new(path, stream);
            assert_eq!(talk.held(&world, caller).await, [200; 3], "{path} {stream}");
            marked += u64::from(talk.body != plain);
            assert_eq!(world.sent(), expected, "{path} {stream}");
        }
        let restored = world.counted(Counter::TextsRestored);
        assert!(marked > 3 && restored > 3, "{marked} marked, {restored} restored");
        let occupancy = world.handle.originals().occupancy();
        assert_eq!(occupancy.restored, restored);
        assert_eq!(occupancy.guessed, 0);
    }
}

#[tokio::test]
async fn skipped_conversations_go_on_unmarked() {
    for stream in [false, true] {
        let world = World::new("skip");
        let plain = untouched(MESSAGES, stream).await;
        for caller in suspicious() {
            let mut talk = Talk::new(MESSAGES, stream);
            assert_eq!(talk.held(&world, caller).await, [200; 3]);
            assert_eq!(talk.body, plain);
        }
        assert_eq!(world.counted(Counter::WordsChanged), 0);
    }
}

/// What a client sends back is the same every time, so thinking that was signed behind it stays
/// bound to it.
#[tokio::test]
async fn an_upstream_that_signs_each_message_never_notices_what_is_marked_and_not_restored() {
    for stream in [false, true] {
        let world = World::new("mark");
        let plain = untouched(MESSAGES, stream).await;
        let mut marked = 0;
        for caller in suspicious() {
            let mut talk = Talk::new(MESSAGES, stream);
            assert_eq!(talk.held(&world, caller).await, [200; 3]);
            marked += u64::from(talk.body != plain);
            talk.messages().pop();
            assert_eq!(world.sent(), talk.body, "it is sent marked");
        }
        assert!(marked > 3);
        assert_eq!(world.counted(Counter::TextsRestored), 0);
    }
}

/// Its later thinking is bound to what was restored.
#[tokio::test]
async fn a_conversation_that_outlives_the_process_breaks() {
    let mut broken = 0;
    for caller in suspicious() {
        let [before, after] = [World::new("restore"), World::new("restore")];
        let mut talk = Talk::new(MESSAGES, false);
        assert_eq!(talk.held(&before, caller.clone()).await, [200; 3]);
        talk.ask("Thanks!");
        let mut same = talk.clone();
        let status = talk.answered(&after, caller.clone()).await;
        assert!(status == 200 || status == 400);
        broken += u64::from(status == 400);
        // Where it is remembered it goes on.
        assert_eq!(same.answered(&before, caller).await, 200);
    }
    assert!(broken > 0);
}

//! The hook that every decided exchange passes: callers to whom nothing is done as well.

use std::pin::pin;
use std::sync::{Arc, Mutex};

use guilloche::audit::{Outcome, RequestSink};
use guilloche::layer::{AtEnd, Decided, End, Hook};
use guilloche::risk::{Assessment, Risk, UnknownReason};
use http::{Method, Request};

use super::support::*;

/// Who was decided about at which grade, and how it ended.
type Told = (String, Option<String>, Option<(Outcome, Option<u16>)>);

#[derive(Debug, Default)]
struct Tells(Arc<Mutex<Vec<Told>>>);

struct Place(Arc<Mutex<Vec<Told>>>, usize);

impl Hook for Tells {
    fn decided(&self, decided: &Decided<'_>) -> Option<Box<dyn AtEnd>> {
        let mut told = self.0.lock().unwrap();
        let account = decided.assessment.principal.account.as_str().to_owned();
        let grade = decided.decision.grade.as_ref().map(|grade| grade.name.to_string());
        assert_eq!(decided.decision.policy.name, "test");
        told.push((account, grade, None));
        Some(Box::new(Place(Arc::clone(&self.0), told.len() - 1)))
    }
}

impl AtEnd for Place {
    fn ended(self: Box<Self>, end: &End) {
        let before = self.0.lock().unwrap()[self.1].2.replace((end.outcome, end.status));
        assert_eq!(before, None, "an exchange ends once");
    }
}

fn told_world(grade: &str) -> (World, impl Fn() -> Told) {
    let hook = Arc::new(Tells::default());
    let all = Arc::clone(&hook.0);
    let world = World::with(policy(grade), |builder| builder.hook(hook));
    (world, move || {
        let mut told = all.lock().unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        told.pop().unwrap()
    })
}

fn ordinary() -> Assessment {
    caller("bob", None, 0.1)
}

/// Fails when the hook is called where a record is begun, or only for those who have a guard.
#[tokio::test(start_paused = true)]
async fn an_exchange_to_which_nothing_is_done_is_told_with_its_end() {
    let (world, told) = told_world(WITHHOLD);
    let ask = || request(ordinary(), CHAT, Script::whole(ASKS));
    let ended = |outcome, status| ("bob".to_owned(), None, Some((outcome, status)));

    world.exchange(ask(), json("{}")).await;
    assert_eq!(told(), ended(Outcome::Complete, Some(200)));
    world.exchange(ask(), stream([data(says("a")), wait(1), data(DONE)])).await;
    assert_eq!(told(), ended(Outcome::Complete, Some(200)));
    world.exchange(ask(), stream([data(says("a")), Step::Fail])).await;
    assert_eq!(told(), ended(Outcome::UpstreamError, Some(200)));
    world.upstream.reply(Reply::Fail);
    assert!(tower::ServiceExt::oneshot(world.defended.clone(), ask()).await.is_err());
    assert_eq!(told(), ended(Outcome::UpstreamError, None));

    world.upstream.answer(stream([data(says("a")), Step::Hang]));
    let mut answer = world.call(ask()).await;
    next_text(&mut answer).await;
    drop(answer);
    assert_eq!(told(), ended(Outcome::Cancelled, Some(200)));
    world.upstream.reply(Reply::Hang);
    {
        let mut call = pin!(world.call(ask()));
        assert!(futures_util::poll!(&mut call).is_pending());
    }
    assert_eq!(told(), ended(Outcome::Cancelled, None));
    assert!(world.records.all().is_empty());

    let unknown = Assessment { risk: Risk::Unknown(UnknownReason::Absent), ..ordinary() };
    world.exchange(request(unknown, CHAT, Script::whole(ASKS)), json("{}")).await;
    assert_eq!(told(), ended(Outcome::Complete, Some(200)));
    // What answers without text, and what nobody knows.
    for path in ["/v1/embeddings", "/v1/responses/compact"] {
        world.exchange(request(ordinary(), path, Script::whole(ASKS)), json("{}")).await;
        assert_eq!(told(), ended(Outcome::Complete, Some(200)), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_has_a_record_is_told_as_the_record_ends() {
    let ended =
        |outcome, status| ("alice".to_owned(), Some("graded".into()), Some((outcome, status)));
    let (world, told) = told_world(WITHHOLD);
    world.exchange(chat(), stream([data(thinks("a") + &says("b")), data(DONE)])).await;
    assert_eq!(told(), ended(Outcome::Complete, Some(200)));
    world.upstream.reply(Reply::Hang);
    {
        let mut call = pin!(world.call(chat()));
        assert!(futures_util::poll!(&mut call).is_pending());
    }
    assert_eq!(told(), ended(Outcome::Cancelled, None));
    let (world, told) = told_world("refuse = {}");
    assert_eq!(world.call(chat()).await.status(), 403);
    assert_eq!(told(), ended(Outcome::Refused, Some(403)));
}

/// A question about the server is no exchange that anything is decided about.
#[tokio::test(start_paused = true)]
async fn what_nothing_is_decided_about_is_not_told() {
    let hook = Arc::new(Tells::default());
    let all = Arc::clone(&hook.0);
    let world = World::with(policy(WITHHOLD), |builder| builder.hook(hook));
    let models = Request::builder().method(Method::GET).uri("/v1/models");
    let models = models.extension(suspicious()).body(Script::whole("")).unwrap();
    world.exchange(models, json("{}")).await;
    assert!(all.lock().unwrap().is_empty());
}

/// Fails when the request's own sink is asked for late, or takes the record from the layer's.
#[tokio::test(start_paused = true)]
async fn a_request_may_bring_a_sink_that_is_given_the_record_of_its_exchange() {
    let world = World::new(policy(WITHHOLD));
    let of_the_request = |risk| {
        let own = Arc::new(Records::default());
        let mut request = request(caller("bob", None, risk), CHAT, Script::whole(ASKS));
        request.extensions_mut().insert(RequestSink(own.clone()));
        (own, request)
    };
    let (own, graded) = of_the_request(0.6);
    let (other, ordinary) = of_the_request(0.1);
    world.exchange(graded, json("{}")).await;
    world.exchange(ordinary, json("{}")).await;
    assert_eq!(own.only(), world.records.only());
    assert_eq!(other.all(), []);
}

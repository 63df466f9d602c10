//! The same over a WebSocket, where each message asks for a response.

use futures_util::{SinkExt, StreamExt};
use guilloche::wire::{ProtocolId, ServerKind};
use http::HeaderValue;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::planted::ANSWER;
use super::secret::{has, told_by};
use super::{Hunt, Withheld, case};
use crate::manifest::Caller;
use crate::process::soon;

/// What a caller is told over one WebSocket whose requests are answered by `case`.
async fn told(address: &str, case: &str, messages: &[Value]) -> Vec<String> {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!("ws://{address}/v1/responses").into_client_request().unwrap();
    let fields = [("guilloche-risk", Caller::Graded.risk().unwrap()), ("x-case", case.to_owned())];
    for (name, value) in fields {
        request.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
    }
    let (mut socket, opened) = soon(client_async(request, stream)).await.unwrap();
    let mut told = vec![format!("{:?}", opened.headers())];
    for message in messages {
        soon(socket.send(Message::text(message.to_string()))).await.unwrap();
        loop {
            let Some(Ok(said)) = soon(socket.next()).await else { return told };
            let Message::Text(text) = said else { continue };
            told.push(text.to_string());
            let event: Value = serde_json::from_str(&text).unwrap();
            if ["response.completed", "response.failed", "error"]
                .iter()
                .any(|it| event["type"] == *it)
            {
                break;
            }
        }
    }
    let _ = socket.close(None).await;
    told
}

// Break it: give a message of a socket's what its answer says without going through the layer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_it_comes_over_a_websocket() {
    for withheld in [Withheld::Gone, Withheld::Sealed, Withheld::Alone] {
        let mut hunt = Hunt::before(ServerKind::OpenAi, withheld).await;
        let address = hunt.proxy.address.clone();
        let create = json!({"type": "response.create", "model": "m", "input": "x"});
        let mut asks = create.clone();
        asks["include"] = json!(["reasoning.encrypted_content", "message.output_text.logprobs"]);
        asks["stream_id"] = json!("a");
        let mut came = 0;
        for planted in withheld.answers(ProtocolId::Responses) {
            for cut in withheld.cuts() {
                let case = case(&planted.name, *cut);
                let told = told(&address, &case, &[create.clone(), asks.clone(), json!([])]).await;
                came += usize::from(told.iter().any(|text| has(text.as_bytes(), ANSWER)));
                for text in told {
                    if let Some(form) = told_by(text.as_bytes()) {
                        hunt.told.push(format!("{case}: {form}\n{text:.500}"));
                    }
                }
            }
        }
        hunt.upstream.settled().await;
        let (_, told) = hunt.end().await;
        assert!(told.is_empty(), "{}", told.join("\n"));
        assert!(came > 0, "no answer comes");
    }
}

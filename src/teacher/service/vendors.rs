//! Protocols whose answers are made at once, and sent at their pace.

use std::error::Error;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, header};
use http_body::Body;

use super::{Teacher, fault, json, stream, with_fault};
use crate::teacher::body::{Event, TeacherBody};
use crate::teacher::model::Fault;
use crate::teacher::protocol::ordered::object;
use crate::teacher::protocol::refusal::{Refusal, Vendor};
use crate::teacher::protocol::{
    chat, chat_request, cohere, completions, converse, gemini, llama_cpp, messages,
    messages_request, ollama, tgi,
};

/// Where Amazon tells the id of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

impl Teacher {
    pub(super) async fn completions(
        &self,
        body: &Bytes,
        messages: bool,
    ) -> Result<Response<TeacherBody>, Refusal> {
        let request = completions::read(body, messages)?;
        let fault = fault(&request.asked.model, request.stream)?;
        let streamed = request.stream;
        let reply = completions::Reply::new(request);
        if streamed {
            let body = TeacherBody::ready(reply.events(), chat::error(), self.pace());
            return Ok(stream(body, fault));
        }
        self.wait(reply.tokens()).await;
        Ok(with_fault(json(reply.document().to_string()), fault))
    }

    pub(super) async fn cohere(&self, body: &Bytes) -> Result<Response<TeacherBody>, Refusal> {
        let request = cohere::read(body)?;
        let fault = fault(&request.ask.model, request.stream)?;
        let streamed = request.stream;
        let reply = cohere::Reply::new(request);
        if streamed {
            let body = TeacherBody::ready(reply.events(), cohere::error(), self.pace());
            return Ok(stream(body, fault));
        }
        self.wait(reply.tokens()).await;
        Ok(with_fault(json(reply.document().to_string()), fault))
    }

    pub(super) async fn llama_cpp(
        &self,
        body: &Bytes,
        infills: bool,
    ) -> Result<Response<TeacherBody>, Refusal> {
        let request = llama_cpp::read(body, infills)?;
        let fault = fault(&request.asked.model, request.stream)?;
        let streamed = request.stream;
        let reply = llama_cpp::Reply::new(request);
        if streamed {
            let body = TeacherBody::ready(reply.events(), llama_cpp::error(), self.pace());
            return Ok(stream(body, fault));
        }
        self.wait(reply.tokens()).await;
        Ok(with_fault(json(reply.document().to_string()), fault))
    }

    pub(super) async fn tgi(
        &self,
        body: &Bytes,
        path: &str,
    ) -> Result<Response<TeacherBody>, Refusal> {
        let request = tgi::read(body)?;
        let (compatible, streams) = (path == "/", path == "/generate_stream");
        let streamed = streams || compatible && request.stream;
        let fault = fault(&request.asked.model, streamed)?;
        let reply = tgi::Reply::new(request);
        if streamed {
            let body = TeacherBody::ready(reply.events(), tgi::error(), self.pace());
            return Ok(stream(body, fault));
        }
        self.wait(reply.tokens()).await;
        Ok(with_fault(json(reply.document(compatible).to_string()), fault))
    }

    pub(super) async fn ollama(
        &self,
        body: &Bytes,
        generates: bool,
    ) -> Result<Response<TeacherBody>, Refusal> {
        let request = ollama::read(body, generates)?;
        let fault = fault(&request.ask.model, request.stream)?;
        let streamed = request.stream;
        let reply = ollama::Reply::new(request);
        if streamed {
            let body = TeacherBody::ready(reply.events(), ollama::error(), self.pace());
            let mut response = stream(body, fault);
            let kind = HeaderValue::from_static("application/x-ndjson");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            return Ok(response);
        }
        self.wait(reply.tokens()).await;
        Ok(with_fault(json(reply.document().to_string()), fault))
    }

    pub(super) async fn converse(
        &self,
        body: &Bytes,
        model: &str,
        streamed: bool,
    ) -> Result<Response<TeacherBody>, Refusal> {
        let request = converse::read(body, model, &self.signer)?;
        let fault = fault(&request.ask.model, streamed)?;
        let reply = converse::Reply::new(request, self.signer.clone());
        let id = HeaderValue::from_str(&reply.id()).ok();
        let mut response = if streamed {
            self.event_stream(reply.events(), fault)
        } else {
            self.wait(reply.tokens()).await;
            with_fault(json(reply.document().to_string()), fault)
        };
        response.headers_mut().extend(id.map(|id| (REQUEST_ID, id)));
        Ok(response)
    }

    /// Messages, or Chat Completions, in an envelope of Amazon's.
    pub(super) async fn invoke(
        &self,
        body: &Bytes,
        model: &str,
        streamed: bool,
    ) -> Result<Response<TeacherBody>, Refusal> {
        let (body, is_messages) = converse::invoked(body, model, streamed)?;
        let answer = if is_messages {
            let request = messages_request::read(&body, &self.signer, false)?;
            let fault = fault(&request.ask.model, streamed)?;
            let reply = messages::Reply::new(request, self.signer.clone());
            match streamed {
                false => (fault, Err((reply.tokens(), reply.document().text()))),
                true => {
                    let mut stream = messages::Stream::new(reply);
                    (fault, Ok(converse::chunks(std::iter::from_fn(|| stream.next()))))
                }
            }
        } else {
            let request = chat_request::read(&body)?;
            let fault = fault(&request.ask.model, streamed)?;
            let reply = chat::Reply::new(request, self.signer.clone());
            match streamed {
                false => (fault, Err((reply.tokens(), reply.document().text()))),
                true => {
                    let mut stream = chat::Stream::new(reply);
                    (fault, Ok(converse::chunks(std::iter::from_fn(|| stream.next()))))
                }
            }
        };
        match answer {
            (fault, Ok(events)) => Ok(self.event_stream(events, fault)),
            (fault, Err((tokens, document))) => {
                self.wait(tokens).await;
                Ok(with_fault(json(document), fault))
            }
        }
    }

    /// A stream of binary messages.
    fn event_stream(&self, events: Vec<Event>, fault: Option<Fault>) -> Response<TeacherBody> {
        let body = TeacherBody::ready(events, converse::error(), self.pace());
        let mut response = stream(body, fault);
        let kind = HeaderValue::from_static("application/vnd.amazon.eventstream");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }

    pub(super) async fn gemini<B>(
        &self,
        (model, method): (&str, &str),
        query: &str,
        body: B,
    ) -> Result<Response<TeacherBody>, Refusal>
    where
        B: Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let request = gemini::read(&self.whole(body).await?, model)?;
        let streamed = method == "streamGenerateContent";
        if method == "countTokens" {
            let counted = object! { "totalTokens" => request.ask.prompt_tokens() };
            return Ok(json(counted.text()));
        }
        let fault = fault(&request.ask.model, streamed)?;
        let reply = gemini::Reply::new(request, self.signer.clone());
        if !streamed {
            self.wait(reply.tokens()).await;
            return Ok(with_fault(json(reply.document().to_string()), fault));
        }
        let array = !query.split('&').any(|it| it == "alt=sse");
        let body = TeacherBody::ready(reply.events(array), gemini::error(array), self.pace());
        let mut response = stream(body, fault);
        if array {
            let kind = HeaderValue::from_static("application/json; charset=UTF-8");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        Ok(response)
    }
}

/// The model of a path of Amazon's, and what is asked of it.
pub(super) fn bedrock_model(path: &str) -> Option<(String, &str)> {
    let (model, asked) = path.strip_prefix("/model/")?.split_once('/')?;
    Some((model.replace("%3A", ":").replace("%2F", "/"), asked))
}

/// The model and the method of a path of Google's.
pub(super) fn gemini_method(path: &str) -> Option<(&str, &str)> {
    let asked = path.strip_prefix("/v1beta/models/").or(path.strip_prefix("/v1/models/"))?;
    let (model, method) = asked.rsplit_once(':')?;
    let known = ["generateContent", "streamGenerateContent", "countTokens"];
    known.contains(&method).then_some((model, method))
}

/// In whose shape errors of a path are told.
pub(super) fn vendor_of(path: &str) -> Vendor {
    match path {
        path if path.starts_with("/v1/messages") => Vendor::Anthropic,
        path if path.starts_with("/api/") => Vendor::Ollama,
        path if gemini_method(path).is_some() => Vendor::Google,
        path if path.starts_with("/model/") => Vendor::Amazon,
        "/completion" | "/infill" => Vendor::LlamaCpp,
        "/v2/chat" => Vendor::Cohere,
        "/v1/agents/completions" | "/v1/fim/completions" => Vendor::Mistral,
        "/generate" | "/generate_stream" | "/" => Vendor::Tgi,
        _ => Vendor::OpenAi,
    }
}

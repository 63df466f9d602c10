//! The paths of vendors' own interfaces, as far as they are known.

use super::{ANY, GET, GET_DELETE, POST, Table, models, no_text, open, refused, stored};
use crate::wire::ProtocolId::Responses;
use crate::wire::route::known::WayRound::{Batch, Inside, Kept, Media, Operation, Scores, Unread};

/// Of whatever serves over HTTP.
pub(super) const COMMON: Table = &[
    open("/"),
    open("/health"),
    open("/healthz"),
    open("/ping"),
    open("/version"),
    refused(&GET, "/metrics", Inside),
];

/// A list of models, which any of them may have, and vectors.
pub(super) const LISTS: Table =
    &[models("/models"), models("/models/{id}"), no_text("/embeddings")];

/// Of servers that keep answers in the protocol Responses.
pub(super) const RESPONSES: Table = &[
    stored(&GET_DELETE, "/responses/{id}", Responses),
    stored(&POST, "/responses/{id}/cancel", Responses),
    stored(&GET, "/responses/{id}/input_items", Responses),
];

pub(super) const OPENAI: Table = &[
    no_text("/moderations"),
    refused(&POST, "/responses/compact", Unread),
    refused(&GET, "/chat/completions", Kept),
    refused(&ANY, "/chat/completions/{id}", Kept),
    refused(&GET, "/chat/completions/{id}/messages", Kept),
    refused(&ANY, "/conversations/*", Kept),
    refused(&ANY, "/threads/*", Kept),
    refused(&ANY, "/assistants/*", Unread),
    refused(&ANY, "/sessions/*", Kept),
    refused(&ANY, "/runs/*", Kept),
    refused(&ANY, "/batches/*", Batch),
    refused(&ANY, "/files/*", Batch),
    refused(&ANY, "/uploads/*", Batch),
    refused(&ANY, "/containers/*", Kept),
    refused(&ANY, "/vector_stores/*", Kept),
    refused(&ANY, "/evals/*", Scores),
    refused(&POST, "/graders/*", Scores),
    refused(&POST, "/fine_tuning/alpha/graders/*", Scores),
    refused(&ANY, "/fine_tuning/*", Operation),
    refused(&ANY, "/organization/*", Inside),
    refused(&ANY, "/skills/*", Unread),
    refused(&ANY, "/chatkit/*", Unread),
    refused(&ANY, "/workflows/*", Unread),
    refused(&POST, "/edits", Unread),
    refused(&GET, "/realtime", Unread),
    refused(&POST, "/realtime/*", Unread),
    refused(&POST, "/audio/transcriptions", Unread),
    refused(&POST, "/audio/translations", Unread),
    refused(&POST, "/audio/speech", Media),
    refused(&POST, "/images/*", Media),
    refused(&ANY, "/videos/*", Media),
    refused(&POST, "/engines/{id}/search", Scores),
    refused(&POST, "/engines/{id}/embeddings/search", Scores),
    refused(&POST, "/answers", Unread),
    refused(&POST, "/classifications", Scores),
];

pub(super) const ANTHROPIC: Table = &[
    refused(&ANY, "/messages/batches/*", Batch),
    refused(&POST, "/complete", Unread),
    refused(&ANY, "/files/*", Batch),
    refused(&ANY, "/skills/*", Unread),
    refused(&ANY, "/agents/*", Unread),
    refused(&ANY, "/sessions/*", Kept),
    refused(&ANY, "/environments/*", Operation),
    refused(&POST, "/experimental/*", Unread),
    refused(&ANY, "/organizations/*", Inside),
];

pub(super) const MISTRAL: Table = &[
    no_text("/moderations"),
    refused(&POST, "/classifications", Scores),
    refused(&POST, "/chat/classifications", Scores),
    refused(&ANY, "/conversations/*", Kept),
    refused(&ANY, "/agents/*", Unread),
    refused(&ANY, "/batch/*", Batch),
    refused(&ANY, "/files/*", Batch),
    refused(&ANY, "/libraries/*", Kept),
    refused(&ANY, "/fine_tuning/*", Operation),
    refused(&POST, "/ocr", Unread),
    refused(&POST, "/audio/transcriptions", Unread),
    refused(&POST, "/audio/speech", Media),
    refused(&ANY, "/workflows/*", Unread),
];

/// Google's, of Gemini and of Vertex.
pub(super) const GOOGLE: Table = &[
    no_text(":batchEmbedContents"),
    no_text(":embedContent"),
    refused(&POST, ":batchGenerateContent", Batch),
    refused(&POST, ":asyncBatchEmbedContent", Batch),
    refused(&POST, ":generateAnswer", Unread),
    refused(&POST, ":generateText", Unread),
    refused(&POST, ":generateMessage", Unread),
    refused(&POST, ":batchGenerateText", Unread),
    refused(&POST, ":predict", Unread),
    refused(&POST, ":predictLongRunning", Media),
    refused(&POST, ":fetchPredictOperation", Media),
    refused(&POST, ":serverStreamingPredict", Unread),
    refused(&POST, ":streamingPredict", Unread),
    refused(&POST, ":directPredict", Unread),
    refused(&POST, ":explain", Unread),
    refused(&POST, ":computeTokens", Inside),
    refused(
        &GET,
        "/google.ai.generativelanguage.v1beta.generativeservice.bidigeneratecontent",
        Unread,
    ),
    refused(&GET, "/google.cloud.aiplatform.v1.llmbidiservice/bidigeneratecontent", Unread),
    refused(&ANY, "/interactions/*", Unread),
    refused(&ANY, "/cachedContents/*", Kept),
    refused(&ANY, "/files/*", Batch),
    refused(&ANY, "/batches/*", Batch),
    refused(&ANY, "/batchPredictionJobs/*", Batch),
    refused(&ANY, "/operations/*", Batch),
    refused(&ANY, "/corpora/*", Kept),
];

pub(super) const BEDROCK: Table = &[
    refused(&POST, "/invoke-with-bidirectional-stream", Unread),
    refused(&ANY, "/async-invoke/*", Batch),
    refused(&ANY, "/model-invocation-job/*", Batch),
    refused(&GET, "/model-invocation-jobs/*", Batch),
    refused(&POST, "/guardrail/*", Scores),
    refused(&POST, "/rerank", Scores),
    refused(&POST, "/retrieveAndGenerate", Unread),
    refused(&POST, "/retrieveAndGenerateStream", Unread),
    refused(&POST, "/knowledgebases/*", Kept),
    refused(&ANY, "/agents/*", Unread),
    refused(&ANY, "/flows/*", Unread),
    refused(&ANY, "/sessions/*", Kept),
    refused(&POST, "/optimize-prompt", Unread),
];

/// Of Cohere, Triton, OpenRouter and others behind gateways.
pub(super) const OTHERS: Table = &[
    refused(&POST, "/v1/chat", Unread),
    refused(&POST, "/v1/generate", Unread),
    refused(&POST, "/v1/summarize", Unread),
    refused(&POST, "/v1/classify", Scores),
    refused(&POST, "/v2/rerank", Scores),
    refused(&ANY, "/embed-jobs/*", Batch),
    refused(&ANY, "/datasets/*", Batch),
    refused(&POST, "/v2/models/{id}/generate", Unread),
    refused(&POST, "/v2/models/{id}/generate_stream", Unread),
    refused(&GET, "/generation", Inside),
    refused(&ANY, "/predictions/*", Kept),
    refused(&POST, "/interactions", Unread),
];

//! What is read of requests and answers of every protocol, and what becomes of requests.

#[cfg(test)]
mod cohere;
#[cfg(test)]
mod completions;
#[cfg(test)]
mod converse;
#[cfg(test)]
mod extraction;
#[cfg(test)]
mod gemini;
#[cfg(test)]
mod history;
#[cfg(test)]
mod invoke;
#[cfg(test)]
mod llama_cpp;
#[cfg(test)]
mod ollama;
#[cfg(test)]
mod request;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tgi;

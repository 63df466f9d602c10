use super::*;

fn kind(method: Method, path: &str) -> &'static str {
    kind_of(ServerKind::Custom, method, path)
}

fn kind_of(server: ServerKind, method: Method, path: &str) -> &'static str {
    match route(server, &method, path, method == Method::POST) {
        Route::Protocol(id) => id.name(),
        Route::Stored(_) => "stored",
        Route::NoText => "no text",
        Route::Open => "open",
        Route::WayRound(_) => "refused",
        Route::Unknown => "unknown",
    }
}

#[test]
fn the_endpoints_are_known_with_their_vendors_prefixes() {
    assert_eq!(kind(Method::POST, "/v1/chat/completions"), "chat");
    assert_eq!(kind(Method::POST, "/chat/completions"), "chat");
    assert_eq!(kind(Method::POST, "/api/v1/chat/completions"), "chat");
    assert_eq!(kind(Method::POST, "/v1/messages"), "messages");
    for path in ["/api/chat", "/api/generate", "/ollama/api/chat"] {
        assert_eq!(kind(Method::POST, path), "ollama", "{path}");
    }
    for path in [
        "/v1beta/models/gemini-2.5-pro:generateContent",
        "/v1/models/gemini-2.5-pro:streamGenerateContent",
        "/v1/projects/p/locations/l/publishers/google/models/g:generateContent",
        "/v1/projects/p/locations/l/endpoints/7:streamGenerateContent",
    ] {
        assert_eq!(kind(Method::POST, path), "gemini", "{path}");
    }
    for path in ["/v1beta/models/g:countTokens", "/v1beta/models/g:embedContent"] {
        assert_eq!(kind(Method::POST, path), "no text", "{path}");
    }
    for path in [
        "/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/converse",
        "/model/anthropic.claude-sonnet-4-20250514-v1:0/converse-stream",
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.a.b/converse",
        "/up/model/M/converse",
    ] {
        assert_eq!(kind(Method::POST, path), "converse", "{path}");
    }
    assert_eq!(kind(Method::POST, "/model/a.b%3A0/count-tokens"), "no text");
    for path in ["/model/a.b%3A0/invoke", "/model/a/invoke-with-response-stream"] {
        assert_eq!(kind(Method::POST, path), "invoke", "{path}");
    }
    for path in ["/api/tags", "/api/ps", "/api/version"] {
        assert_eq!(kind(Method::GET, path), "open", "{path}");
    }
    assert_eq!(kind(Method::POST, "/api/embed"), "no text");
    assert_eq!(kind(Method::POST, "/extras/tokenize/count"), "no text");
    assert_eq!(kind(Method::POST, "/v1/agents/completions"), "chat");
    assert_eq!(kind(Method::POST, "/v1/fim/completions"), "completions");
    for path in ["/completion", "/infill", "/upstream/m/completion"] {
        assert_eq!(kind(Method::POST, path), "llama_cpp", "{path}");
    }
    for path in ["/v2/chat", "/cohere/v2/chat"] {
        assert_eq!(kind(Method::POST, path), "cohere", "{path}");
    }
    assert_eq!(kind(Method::POST, "/v2/embed"), "no text");
    for path in ["/generate", "/generate_stream", "/"] {
        assert_eq!(kind(Method::POST, path), "tgi", "{path}");
    }
    for path in ["/v1/completions", "/completions", "/openai/deployments/d/completions"] {
        assert_eq!(kind(Method::POST, path), "completions", "{path}");
    }
    for path in ["/v1/responses", "/openai/v1/responses", "/openai/responses", "/api/v1/responses"]
    {
        assert_eq!(kind(Method::POST, path), "responses", "{path}");
    }
    for path in [
        "/v1/messages/count_tokens",
        "/v1/responses/input_tokens",
        "/anthropic/v1/messages/count_tokens",
        "/v1/embeddings",
        "/embeddings",
        "/openai/deployments/e/embeddings",
        "/v1/moderations",
    ] {
        assert_eq!(kind(Method::POST, path), "no text", "{path}");
    }
    for path in [
        "/v1/models",
        "/models",
        "/api/v1/models",
        "/openai/v1/models",
        "/v1/models/gpt-5",
        "/v1/models/org/name",
        "/openai/v1/models/llama3:8b",
        "/v1/models/org%2Fname",
        "/v1/models/org/a%20b%3A1",
    ] {
        assert_eq!(kind(Method::GET, path), "open", "{path}");
        assert_eq!(kind(Method::POST, path), "unknown", "{path}");
    }
    assert_eq!(kind(Method::OPTIONS, "/v1/chat/completions"), "open");
}

#[test]
fn a_body_makes_a_question_about_the_server_a_way_round() {
    for (method, path) in [
        (Method::OPTIONS, "/v1/chat/completions"),
        (Method::OPTIONS, "/v1/models"),
        (Method::GET, "/v1/models"),
        (Method::GET, "/"),
    ] {
        let route = |has_body| route(ServerKind::Custom, &method, path, has_body);
        assert!(matches!(route(true), Route::Unknown | Route::WayRound(_)), "{method} {path}");
        assert!(matches!(route(false), Route::Open), "{method} {path}");
    }
}

#[test]
fn ways_round_are_refused() {
    for path in [
        "/v1//chat/completions",
        "/v1/chat%2Fcompletions",
        "/v1/chat/completions/",
        "/v1/responses/",
        "/v1/responses/compact",
        "/v1/Chat/completions",
        "/v1/CHAT/completions",
        "/v1/chat/./completions",
        "/v1/chat//completions",
        "/v1/completions/",
        "/v1/Completions",
        "/api/Chat",
        "/api/chat/",
        "/api/show",
        "/api/create",
        "/v1beta/models/g:GenerateContent",
        "/v1beta/models/g%3AgenerateContent",
        "/v1beta/models/a%2Fb%23x:streamGenerateContent",
        "/v1beta/models/a%2Fb%3Fx:generateContent",
        "/v1beta/models/a;x:generateContent",
        "/v1beta/models/;x:generateContent",
        "/v1/chat;x/completions%3Fy",
        "/v1/count-tokens",
        "/invoke",
        "/converse",
        "/model/converse",
        "/model/a/converse/",
        "/model/a/Converse",
        "/Model/a/converse",
        "/model/a//converse",
        "/model/a%2Fb/converse",
        "/model/a%252Fb/converse",
        "/model/%2e%2e/converse",
        "/model/arn:a%2F..%2Fb/converse",
        "/x%2Fmodel/a/converse",
        "/model/a/invoke-with-bidirectional-stream",
        "/async-invoke",
        "/v1beta/models/g:batchGenerateContent",
        "/v1beta/models/g:predict",
        "/v1beta/interactions",
        "/v1/chat",
        "/v1/agents",
        "/v1/conversations",
        "/v1/conversations/c1",
        "/v2/models/m/generate",
        "/v2/rerank",
        "/Generate",
        "/generate/",
        "/invocations",
        "/v1/messages/batches",
        "/v1/x/../chat/completions",
        "/v1/chat;x/completions;y/chat/completions",
    ] {
        assert_eq!(kind(Method::POST, path), "refused", "{path}");
    }
    assert_eq!(kind(Method::GET, "/v1/chat/completions/chatcmpl-1"), "refused");
    assert_eq!(kind(Method::GET, "/v1/responses/resp_1"), "stored");
    assert_eq!(kind(Method::GET, "/v1/responses/resp_1/input_items"), "stored");
    assert_eq!(kind(Method::DELETE, "/v1/responses/resp_1"), "stored");
    assert_eq!(kind(Method::POST, "/v1/responses/resp_1/cancel"), "stored");
    for (method, path) in [
        (Method::HEAD, "/v1/responses/resp_1"),
        (Method::POST, "/v1/responses/resp_1"),
        (Method::GET, "/v1/responses/resp_1/cancel"),
        (Method::GET, "/v1/responses/resp%5F1"),
        (Method::GET, "/v1//responses/resp_1"),
        (Method::DELETE, "/v1/responses/resp_1/input_items"),
    ] {
        assert_eq!(kind(method, path), "refused", "{path}");
    }
    for (path, refused) in [
        ("/v1/files/models/x", true),
        ("/v1/models/", false),
        ("/v1/models/a/b/c", false),
        ("/v1/models/..%2Fresponses", true),
        ("/v1/models/%2e%2e", false),
        ("/v1/models/a%2Fb%2Fc", false),
        ("/v1/models/%252e", false),
        ("/v1/models/a%2", false),
        ("/v1/models/x%2Fresponses", true),
        ("/v1%2Fx/models/a", false),
        ("/v1/models/a%0a", false),
    ] {
        let expected = if refused { "refused" } else { "unknown" };
        assert_eq!(kind(Method::GET, path), expected, "{path}");
    }
}

/// What a listed path may stand for.
fn examples(listed: &KnownRoute) -> Vec<String> {
    let listed = [listed.front, listed.path].concat().replace("{id}", "x1");
    match (listed.strip_suffix("/*"), listed.strip_prefix(':')) {
        (Some(front), _) => vec![front.to_owned(), format!("{front}/x1/content")],
        (None, Some(_)) => vec![format!("/v1/publishers/anthropic/models/g{listed}")],
        (None, None) => vec![listed],
    }
}

#[test]
fn what_is_listed_is_what_becomes_of_a_request() {
    for server in ServerKind::ALL {
        for listed in server.routes() {
            let prefixes: &[&str] =
                if listed.whole { &[""] } else { &["", "/v1", "/openai/v1", "/a/b"] };
            let expected = match listed.verdict {
                Verdict::Read(id) => id.name(),
                Verdict::Stored(_) => "stored",
                Verdict::NoText => "no text",
                Verdict::Open => "open",
                Verdict::Refused(_) => "refused",
            };
            for path in examples(&listed)
                .iter()
                .flat_map(|it| prefixes.iter().map(move |prefix| format!("{prefix}{it}")))
            {
                for method in listed.methods {
                    let found = kind_of(server, method.clone(), &path);
                    assert_eq!(found, expected, "{} {method} {path}", server.name());
                }
            }
        }
    }
}

#[test]
fn no_spelling_and_no_method_makes_a_known_path_unknown() {
    for server in ServerKind::ALL {
        for listed in server.routes().filter(|it| it.verdict != Verdict::Open) {
            // Behind a prefix there is something else where the path is all of an endpoint.
            let prefix = if listed.whole { "" } else { "/v1" };
            for path in examples(&listed) {
                let encoded: String = path
                    .bytes()
                    .map(|byte| match byte {
                        b'/' | b':' => char::from(byte).to_string(),
                        byte => format!("%{byte:02x}"),
                    })
                    .collect();
                for path in [
                    format!("{prefix}/{path}"),
                    format!("/x/..{path}"),
                    format!("/.{path}"),
                    format!("{path}/"),
                    format!("{path};a=b"),
                    path.to_uppercase(),
                    path.replace('/', "\\"),
                    path.replace('/', "%2F"),
                    path.replace('/', "%255c"),
                    encoded,
                ] {
                    let found = kind_of(server, Method::POST, &path);
                    assert_ne!(found, "unknown", "{} {path}", server.name());
                }
                for method in ["PUT", "PATCH", "QUERY", "TRACE"] {
                    let method = Method::from_bytes(method.as_bytes()).unwrap();
                    assert_eq!(kind_of(server, method, &path), "refused", "{path}");
                }
            }
        }
    }
}

#[test]
fn a_server_has_its_own_text_where_another_has_a_protocol() {
    for (server, path, expected) in [
        (ServerKind::LlamaCpp, "/api/chat", "refused"),
        (ServerKind::Ollama, "/api/chat", "ollama"),
        (ServerKind::Custom, "/api/chat", "ollama"),
        (ServerKind::Vllm, "/api/chat", "ollama"),
        (ServerKind::Sglang, "/generate", "tgi"),
        (ServerKind::Vllm, "/generate", "refused"),
        (ServerKind::Gemini, "/v1/publishers/anthropic/models/c:streamRawPredict", "messages"),
        (ServerKind::Gemini, "/v1/publishers/mistralai/models/c:streamRawPredict", "refused"),
    ] {
        assert_eq!(kind_of(server, Method::POST, path), expected, "{path}");
    }
}

#[test]
#[cfg(feature = "proxy")]
fn what_is_asked_beside_an_endpoint_belongs_to_its_protocol() {
    for (path, name) in [
        ("/v1/chat/completions", Some("chat")),
        ("/v1/messages/count_tokens", Some("messages")),
        ("/v1/responses/resp_1", Some("responses")),
        ("/v1/responses/resp_1/cancel", Some("responses")),
        ("/model/m/converse-stream", Some("converse")),
        ("/generate", Some("tgi")),
        ("/v1/models", None),
        ("/health", None),
    ] {
        assert_eq!(protocol_of(&Method::POST, path).map(ProtocolId::name), name, "{path}");
    }
    assert_eq!(protocol_of(&Method::POST, "/"), Some(ProtocolId::Tgi));
    assert_eq!(protocol_of(&Method::GET, "/"), None);
}

// Break it: look for other spellings among the paths only that a kind of server is known to have.
#[test]
fn what_is_read_as_it_stands_is_a_way_round_in_another_spelling_on_every_server() {
    for server in ServerKind::ALL {
        for endpoint in ProtocolId::ALL.into_iter().flat_map(|it| it.features().endpoints) {
            let front = if endpoint.names_model { "/model/m" } else { "" };
            let path = match endpoint.path.strip_prefix(':') {
                Some(_) => format!("/v1beta/models/m{}", endpoint.path),
                None => format!("{front}{}", endpoint.path),
            };
            if !matches!(route(server, &Method::POST, &path, true), Route::Protocol(_)) {
                continue;
            }
            let encoded = path.rfind(|it: char| it.is_ascii_lowercase()).and_then(|at| {
                let (before, rest) = path.split_at_checked(at)?;
                let letter = rest.chars().next()?;
                Some(format!("{before}%{:02x}{}", u32::from(letter), rest.get(1..)?))
            });
            let encoded = encoded.unwrap_or("/%2F".to_owned());
            for path in [
                format!("/%2e%2e{path}"),
                format!("/x/..{path}"),
                format!("/{path}"),
                format!("{path}/"),
                format!("{path};a=b"),
                encoded,
            ] {
                let found = route(server, &Method::POST, &path, true);
                let strict = matches!(found, Route::Protocol(_) | Route::WayRound(_));
                assert!(strict, "{server:?} {path}: {found:?}");
            }
        }
    }
}

proptest::proptest! {
    /// Break it: take a percent sign, or a second slash, for one that means nothing.
    #[test]
    fn what_is_plain_is_literal_whatever_model_it_names(path in "(/model)?(/{1,2}[a-zA-Z0-9%.:;_~-]{0,4}){0,5}") {
        if is_plain(&path) {
            proptest::prop_assert!(is_literal(&path) && is_literal(&without_escapes(&path)));
        }
    }
}

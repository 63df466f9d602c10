//! Requests that the proxy signs anew, as whoever checks the signature sees them.

use hmac::{Hmac, Mac};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use sha2::{Digest, Sha256};

use crate::support::{client, full, proxy, request, soon, upstream};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The signature that a request should have by all that came of it: AWS's description, written down once more.
async fn signature(request: Request<Incoming>) -> (String, String) {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let field = |name: &str| head.headers[name].to_str().unwrap().to_owned();
    let told = field("authorization");
    let (_, names) = told.split_once("SignedHeaders=").unwrap();
    let (names, given) = names.split_once(", Signature=").unwrap();
    let fields: String = names.split(';').map(|name| format!("{name}:{}\n", field(name))).collect();
    let path = head.uri.path().replace('%', "%25").replace(':', "%3A");
    let canonical =
        format!("{}\n{path}\n\n{fields}\n{names}\n{}", head.method, hex(&Sha256::digest(&body)));
    let date = field("x-amz-date");
    let day = date.get(..8).unwrap();
    let signed = format!(
        "AWS4-HMAC-SHA256\n{date}\n{day}/eu-west-1/bedrock/aws4_request\n{}",
        hex(&Sha256::digest(canonical))
    );
    let key = mac(format!("AWS4{SECRET}").as_bytes(), day);
    let key = mac(&mac(&mac(&key, "eu-west-1"), "bedrock"), "aws4_request");
    (given.to_owned(), hex(&mac(&key, &signed)))
}

// Break it: sign before the request has its address, or send the client's own signature on.
#[tokio::test]
async fn what_is_sent_bears_a_signature_of_the_proxys_own() {
    let upstream = upstream(|request| async move {
        let names = request.headers().get_all(AUTHORIZATION).iter().count();
        assert_eq!(names, 1);
        assert!(request.headers().contains_key(HOST));
        let (given, expected) = signature(request).await;
        Response::new(full((given == expected).to_string()))
    })
    .await;
    let variables = [
        ("UPSTREAM_KIND", "bedrock"),
        ("UPSTREAM_REGION", "eu-west-1"),
        ("UPSTREAM_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("UPSTREAM_SECRET_ACCESS_KEY", SECRET),
        ("LIMITS_MAX_REQUEST_BODY", "1KiB"),
    ];
    let proxy = proxy(upstream, &variables).await;
    for http2 in [false, true] {
        for path in ["/model/a.b-v1%3A0/converse", "/model/a:b/invoke", "/other"] {
            let mut asked = request(proxy.address, path, full("{\"messages\":[]}"));
            let fields = asked.headers_mut();
            fields.insert(CONTENT_TYPE, "application/json".parse().unwrap());
            fields.insert(AUTHORIZATION, "AWS4-HMAC-SHA256 Credential=CLIENT/x".parse().unwrap());
            let response = soon(client(http2).request(asked)).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, "true", "{path}");
        }
        let long = request(proxy.address, "/model/m/converse", full("x".repeat(2000)));
        let response = soon(client(http2).request(long)).await.unwrap();
        assert_eq!(response.status(), 413);
    }
}

//! What a run against a server writes: neither tokens nor secrets, in any encoding.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::{SHOP_SECRET, TENANT, conformance, installation, server};
use crate::installation::{CommandOutput, Installation};

/// What a run shows and writes.
fn everything_written(installation: &Installation, output: &CommandOutput) -> String {
    let files = ["report.yaml", "report.html", "junit.xml"]
        .map(|name| fs::read_to_string(installation.path(&format!("out/{name}"))).unwrap());
    [output.stdout.clone(), output.stderr.clone()].into_iter().chain(files).collect()
}

/// The start of the claims of an id_token in base64url: `{"iss`.
const START_OF_CLAIMS: &str = "eyJpc3Mi";

#[test]
fn a_server_with_another_secret_fails_and_nothing_written_holds_a_token_or_a_secret() {
    for secret in ["another-secret-than-that-of-the-server-0123", "with/slash+and&more=0123456789-0123456789"]
    {
        // Another server each time: one limits the invalid tokens of an address.
        let installation = installation(TENANT);
        let server = server(&installation);
        installation.write("tenant.yaml", &TENANT.replace("${env:SHOP_SECRET}", secret));
        let output = conformance(&installation, &server.address, &["--report-dir", "out"]);
        assert_eq!(output.code, 1, "{}", output.stdout);
        assert!(output.stdout.contains("bad signature"), "{}", output.stdout);
        let written = everything_written(&installation, &output);
        for text in [START_OF_CLAIMS, secret, SHOP_SECRET, "PRIVATE KEY", "api-secret-0123"] {
            assert!(!written.contains(text), "{text}");
        }
    }
}

/// A server that answers every request with this function of its body. It keeps the bodies.
fn fake_server(answer: fn(&str) -> String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let received = Arc::clone(&bodies);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let received = Arc::clone(&received);
            thread::spawn(move || answer_requests(stream.unwrap(), answer, &received));
        }
    });
    (address, bodies)
}

fn answer_requests(stream: TcpStream, answer: fn(&str) -> String, received: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        let answer = answer(&body);
        received.lock().unwrap().push(body);
        // In one write: many small ones wait for acknowledgements.
        let response = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlocation: /?{}\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.replace(['"', '\n'], ""),
            answer.len()
        );
        stream.write_all(response.as_bytes()).unwrap();
    }
}

/// Each byte that is not a letter or digit percent-encoded.
fn percent_encoded(text: &str) -> String {
    let encoded =
        |c: char| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("%{:02X}", c as u32) };
    text.chars().map(encoded).collect()
}

#[test]
fn a_server_that_repeats_its_requests_fails_and_no_token_is_written_in_any_encoding() {
    let answers: [fn(&str) -> String; 4] = [
        |body| body.to_owned(),
        |body| json!({ "error": percent_encoded(body) }).to_string(),
        |body| {
            json!({ "error": percent_encoded(body).to_ascii_lowercase().replace("eyj", "eyJ") }).to_string()
        },
        |body| json!({ "error": percent_encoded(&percent_encoded(body)) }).to_string(),
    ];
    let installation = installation(TENANT);
    for answer in answers {
        let (address, bodies) = fake_server(answer);
        let output = conformance(&installation, &address, &["--report-dir", "out"]);
        assert_eq!(output.code, 1, "{}", output.stdout);
        let written = everything_written(&installation, &output);
        assert!(written.contains("<jwt ") && written.contains("&lt;jwt "), "no token was replaced");
        assert!(!written.contains(START_OF_CLAIMS));
        let bodies = bodies.lock().unwrap();
        let tokens = bodies.iter().filter_map(|body| {
            let body: Value = serde_json::from_str(body).ok()?;
            body["id_token"].as_str().map(str::to_owned)
        });
        let signatures: Vec<String> =
            tokens.filter_map(|token| Some(token.split('.').nth(2)?.get(..20)?.to_owned())).collect();
        assert!(signatures.len() > 50, "{}", signatures.len());
        for signature in signatures {
            for form in [
                signature.clone(),
                percent_encoded(&signature),
                percent_encoded(&percent_encoded(&signature)),
            ] {
                assert!(!written.contains(&form), "{form}");
            }
        }
    }
}

//! The `JobManager`s of all jobs, each at a port of its own: they answer as Flink 2.3 does.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::jobs::{checkpoints, job_id};

const JOB: &str = include_str!("../../tests/fixtures/rest/2.3.0/job.json");
const JOBS: &str = include_str!("../../tests/fixtures/rest/2.3.0/jobs-overview.json");
const CHECKPOINTS: &str = include_str!("../../tests/fixtures/rest/2.3.0/checkpoints.json");
const CONFIGURATION: &str = include_str!("../../tests/fixtures/rest/2.3.0/checkpoints-config.json");
const CLUSTER: &str = include_str!("../../tests/fixtures/rest/2.3.0/jobmanager-config.json");
/// Of the captured job.
const CAPTURED: (&str, &str) = (
    "00000000000000000000000000000abc",
    "file:/data/flink/checkpoints",
);

/// Where they are reached, each by the port that its cluster is configured with.
pub(crate) const URL: &str = "http://127.0.0.1:{port}";

/// Starts one for each job; gives their ports.
pub(crate) async fn start(count: usize) -> Vec<u16> {
    let mut ports = Vec::new();
    for number in 0..count {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        ports.push(listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, number));
            }
        });
    }
    ports
}

async fn serve(stream: TcpStream, number: usize) {
    let service = service_fn(move |request: Request<Incoming>| async move {
        Ok::<_, Infallible>(answer(number, request.uri().path()))
    });
    // A client that hangs up is none of our business.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answer(number: usize, path: &str) -> Response<Full<Bytes>> {
    let id = job_id(number);
    let captured = match path.strip_prefix(&format!("/jobs/{id}")) {
        Some("") => JOB,
        Some("/checkpoints") => CHECKPOINTS,
        Some("/checkpoints/config") => CONFIGURATION,
        _ if path == "/jobs/overview" => JOBS,
        _ if path == "/jobmanager/config" => CLUSTER,
        _ => {
            let body = Bytes::from_static(b"{\"errors\":[\"Not found.\"]}");
            let answer = Response::builder().status(404);
            return answer.body(Full::new(body)).unwrap();
        }
    };
    let told = captured
        .replace(CAPTURED.0, &id)
        .replace(CAPTURED.1, &checkpoints(number));
    Response::new(Full::new(Bytes::from(told)))
}

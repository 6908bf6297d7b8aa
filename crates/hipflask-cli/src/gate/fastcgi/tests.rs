//! What web servers ask by FastCGI, whole, cut and damaged, and what they are answered.

use super::*;

const ID: [u8; 2] = [1, 2];

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_record(&mut out, kind, ID, body);
    out
}

fn begin(role: u16) -> Vec<u8> {
    record(BEGIN_REQUEST, &[role.to_be_bytes().as_slice(), &[0; 6]].concat())
}

fn param(name: &str, value: &str) -> Vec<u8> {
    let length = (u32::try_from(value.len()).unwrap() | 0x8000_0000).to_be_bytes();
    let name_length = [u8::try_from(name.len()).unwrap()];
    [&name_length, &length[..], name.as_bytes(), value.as_bytes()].concat()
}

fn asked(params: &[(&str, &str)]) -> Vec<u8> {
    let params: Vec<_> = params.iter().flat_map(|(name, value)| param(name, value)).collect();
    let mut out = begin(AUTHORIZER);
    // Web servers cut where they like.
    for part in params.chunks(7) {
        out.extend(record(PARAMS, part));
    }
    out.extend(record(PARAMS, &[]));
    out
}

async fn read_all(bytes: &[u8]) -> io::Result<Numbered> {
    read(&mut &*bytes).await
}

#[tokio::test(flavor = "current_thread")]
async fn request_is_what_the_web_server_says() {
    let long = format!("session={}", "x".repeat(300));
    let bytes = asked(&[
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/a/../b?c=d"),
        ("HTTP_COOKIE", &long),
        ("HTTP_X_FORWARDED_URI", "/public"),
        ("REMOTE_USER", "forged"),
    ]);
    let Numbered { request, id } = read_all(&bytes).await.unwrap();
    assert_eq!((request.method(), id), (&Method::POST, ID));
    assert_eq!(request.uri().path_and_query().unwrap(), "/a/../b?c=d");
    assert_eq!(request.headers().len(), 1);
    assert_eq!(request.headers()[COOKIE], long);
    for n in 0..bytes.len() {
        assert!(read_all(&bytes[..n]).await.is_err(), "{n}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_no_such_request_is_refused() {
    let [method, page] = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")];
    assert!(read_all(&asked(&[method, page])).await.is_ok());
    for params in [&[method][..], &[page], &[method, page, page], &[method, method, page]] {
        assert!(read_all(&asked(params)).await.is_err(), "{params:?}");
    }
    for params in [[("REQUEST_METHOD", "G T"), page], [method, ("REQUEST_URI", "no page")]] {
        assert!(read_all(&asked(&params)).await.is_err(), "{params:?}");
    }
    let cut = [begin(AUTHORIZER), record(PARAMS, b"\x05\x05abc"), record(PARAMS, &[])].concat();
    let huge = [begin(AUTHORIZER), record(PARAMS, &[0; 0xffff]).repeat(17)].concat();
    let responder = [begin(1), asked(&[method, page]).split_off(16)].concat();
    for bytes in [cut, huge, responder, b"GET / HTTP/1.1\r\n\r\n".to_vec()] {
        assert!(read_all(&bytes).await.is_err());
    }
}

#[tokio::test(flavor = "current_thread")]
async fn any_bytes_are_read_or_refused() {
    let good = asked(&[("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/"), ("HTTP_COOKIE", "a=b")]);
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap()
    };
    let mut n_refused = 0;
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..=random() % 4 {
            let at = random() % bytes.len();
            bytes[at] = u8::try_from(random() % 256).unwrap();
        }
        bytes.truncate(random() % (2 * bytes.len()));
        n_refused += usize::from(read_all(&bytes).await.is_err());
    }
    assert!((10_000..20_000).contains(&n_refused), "{n_refused}");
}

#[test]
fn answers_are_what_web_servers_read() {
    let mut response = Response::new(String::new());
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-user-id", HeaderValue::from_static("julian"));
    headers.insert(SET_COOKIE, HeaderValue::from_static("session=x"));
    let text = "Status: 200 OK\r\nVariable-x-user-id: julian\r\nset-cookie: session=x\r\n\r\n";
    let end = [record(STDOUT, &[]), record(END_REQUEST, &[0; 8])].concat();
    assert_eq!(answer(&response, ID), [record(STDOUT, text.as_bytes()), end.clone()].concat());

    let mut refusal = Response::new(String::new());
    *refusal.status_mut() = StatusCode::UNAUTHORIZED;
    refusal.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let text = "Status: 401 Unauthorized\r\ncache-control: no-store\r\n\r\n";
    assert_eq!(answer(&refusal, ID), [record(STDOUT, text.as_bytes()), end].concat());

    response.headers_mut().insert("x-role", HeaderValue::from_bytes(&[b'x'; 70_000]).unwrap());
    assert_eq!(answer(&response, ID).windows(4).filter(|it| it == &[1, STDOUT, 1, 2]).count(), 3);
}

use local_cloud::FaultKind;
use reqwest::Method;
use serde_json::json;

use crate::support::{bearer, call, cloud, fault, get, noted};

#[tokio::test]
async fn a_good_token_can_be_rejected_and_a_call_fail_or_be_dropped() {
    let cloud = cloud().await;
    let header = bearer(&cloud, "user_a", json!({}));
    fault(&cloud, "GET /__api/whoami", FaultKind::Reject { message: Some("not today".into()) });
    let (status, body) = get(&cloud, "whoami", Some(&header)).await;
    assert_eq!((status, body["message"].as_str()), (401, Some("not today")));
    let body = Some(json!({ "odd": 1 }));
    fault(&cloud, "", FaultKind::Status { code: 429, body, retry_after: Some(7) });
    let answer = call(&cloud, Method::GET, "whoami").send().await.expect("it answers");
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].as_bytes()), (429, &b"7"[..]));
    fault(&cloud, "", FaultKind::Drop);
    assert!(call(&cloud, Method::GET, "whoami").send().await.is_err());
    assert_eq!(get(&cloud, "whoami", Some(&header)).await.0, 200);
    assert_eq!(noted(&cloud).len(), 4);
}

#[tokio::test]
async fn a_token_can_expire_while_its_call_is_delayed_but_not_while_its_answer_is_held() {
    let cloud = cloud().await;
    let header = bearer(&cloud, "user_a", json!({}));
    fault(&cloud, "", FaultKind::Hold);
    let release = async {
        while noted(&cloud).is_empty() {
            tokio::task::yield_now().await;
        }
        cloud.clock.set_offset_ms(61_000);
        cloud.faults.release();
    };
    assert_eq!(tokio::join!(get(&cloud, "whoami", Some(&header)), release).0.0, 200);
    cloud.clock.set_offset_ms(0);
    fault(&cloud, "", FaultKind::Delay { ms: 30 });
    let expire = async { cloud.clock.set_offset_ms(61_000) };
    assert_eq!(tokio::join!(get(&cloud, "whoami", Some(&header)), expire).0.0, 401);
}

use serde_json::{Value, json};

use crate::support::TestCloud;

#[tokio::test]
async fn a_browser_must_introduce_itself() {
    let on = TestCloud::start().await;
    let mut browser = on.browser().await;
    let client = browser.call("GET", "/client", &[]).await;
    assert_eq!(client.body["response"]["object"], "client");
    assert_eq!(client.body["response"]["sessions"], json!([]));

    browser.db_jwt = "dvb_unknown".into();
    let refused = browser.call("GET", "/client", &[]).await;
    assert_eq!((refused.status, refused.code()), (401, "dev_browser_unauthenticated"));
}

#[tokio::test]
async fn a_ticket_signs_in_once() {
    let on = TestCloud::start().await;
    let browser = on.browser().await;
    let ticket = on.control("ticket", json!({ "userId": "user_ada" })).await.text("/ticket");
    let form = [("strategy", "ticket"), ("ticket", ticket.as_str())];

    let done = browser.call("POST", "/client/sign_ins", &form).await;
    assert_eq!((done.status, done.text("/response/status").as_str()), (200, "complete"));
    let session = done.text("/response/created_session_id");
    assert_eq!(done.text("/client/last_active_session_id"), session);
    assert_eq!(done.text("/client/sessions/0/user/email_addresses/0/email_address"), "ada@example.test");
    assert_eq!(done.body["client"]["sign_in"], Value::Null);

    let other = on.browser().await;
    let again = other.call("POST", "/client/sign_ins", &form).await;
    assert_eq!((again.status, again.code()), (400, "sign_in_token_cannot_be_used_code"));
}

#[tokio::test]
async fn a_password_signs_in_in_two_steps_or_in_one() {
    let on = TestCloud::start().await;
    let browser = on.browser().await;

    let started = browser.call("POST", "/client/sign_ins", &[("identifier", "grace@example.test")]).await;
    assert_eq!(started.text("/response/status"), "needs_first_factor");
    assert_eq!(started.text("/response/supported_first_factors/0/strategy"), "password");
    let attempt = format!("/client/sign_ins/{}/attempt_first_factor", started.text("/response/id"));
    let wrong = browser.call("POST", &attempt, &[("strategy", "password"), ("password", "wrong")]).await;
    assert_eq!((wrong.status, wrong.code()), (422, "form_password_incorrect"));
    let right =
        browser.call("POST", &attempt, &[("strategy", "password"), ("password", "correct-horse")]).await;
    assert_eq!(right.text("/response/status"), "complete");
    assert_eq!(right.text("/client/sessions/0/user/id"), "user_grace");

    let at_once = [("identifier", "linus@example.test"), ("password", "correct-horse")];
    let done = browser.call("POST", "/client/sign_ins", &at_once).await;
    assert_eq!(done.text("/response/status"), "complete");
    assert_eq!(
        done.body["client"]["sessions"].as_array().map(Vec::len),
        Some(2),
        "two sessions side by side"
    );

    let twice = browser.call("POST", "/client/sign_ins", &at_once).await;
    assert_eq!((twice.status, twice.code()), (400, "identifier_already_signed_in"));
}

#[tokio::test]
async fn refusals_have_clerks_shape() {
    let on = TestCloud::start().await;
    let browser = on.browser().await;
    let attempt = "/client/sign_ins/sia_none/attempt_first_factor";
    let cases = [
        ("/client/sign_ins", ("identifier", "nobody@example.test"), 422, "form_identifier_not_found"),
        ("/client/sign_ins", ("strategy", "ticket"), 422, "form_param_missing"),
        ("/client/sign_ins", ("strategy", "password"), 422, "form_param_missing"),
        ("/client/sign_ins", ("strategy", "telepathy"), 422, "form_param_value_invalid"),
        (attempt, ("strategy", "password"), 404, "resource_not_found"),
        ("/nowhere", ("", ""), 404, "api_endpoint_not_found"),
    ];
    for (path, field, status, code) in cases {
        let refused = browser.call("POST", path, &[field]).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{path} {field:?}");
    }
    let refused = browser.request("POST", "/client/sign_ins", &[]).body(vec![0xff, 0xfe]).send().await;
    let refused = crate::support::Answer::read(refused.expect("an answer")).await;
    assert_eq!((refused.status, refused.code()), (400, "request_body_invalid"));
}

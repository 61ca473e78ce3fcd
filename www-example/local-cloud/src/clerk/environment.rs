//! What the dashboard of the pretended instance says: password and ticket sign-in, several sessions per
//! browser, organisations on, billing, bot protection and telemetry off. Constant.

use serde_json::{Value, json};

/// The answer to `GET /environment`.
pub fn environment() -> Value {
    json!({
        "object": "environment",
        "id": "env_local",
        "maintenance_mode": false,
        "client_debug_mode": false,
        "partitioned_cookies": false,
        "auth_config": {
            "object": "auth_config",
            "id": "aconf_local",
            "single_session_mode": false,
            "claimed_at": null,
            "reverification": true,
        },
        "display_config": display_config(),
        "user_settings": user_settings(),
        "organization_settings": organization_settings(),
        "commerce_settings": { "billing": {
            "stripe_publishable_key": null,
            "free_trial_requires_payment_method": false,
            "user": { "enabled": false, "has_paid_plans": false },
            "organization": { "enabled": false, "has_paid_plans": false },
        } },
        "api_keys_settings": { "user_api_keys_enabled": false, "orgs_api_keys_enabled": false },
    })
}

fn display_config() -> Value {
    json!({
        "object": "display_config",
        "id": "display_config_local",
        "instance_environment_type": "development",
        "application_name": "Local cloud",
        "theme": {},
        "preferred_sign_in_strategy": "password",
        "logo_image_url": "",
        "favicon_image_url": "",
        "home_url": "/",
        "sign_in_url": "/",
        "sign_up_url": "/",
        "user_profile_url": "/",
        "waitlist_url": "/",
        "after_sign_in_url": "/",
        "after_sign_up_url": "/",
        "after_sign_out_all_url": "/",
        "after_sign_out_one_url": "/",
        "after_switch_session_url": "/",
        "organization_profile_url": "/",
        "create_organization_url": "/",
        "after_leave_organization_url": "/",
        "after_create_organization_url": "/",
        "after_join_waitlist_url": "/",
        "support_email": null,
        "branded": false,
        "captcha_public_key": null,
        "captcha_widget_type": null,
        "captcha_public_key_invisible": null,
        "captcha_provider": "turnstile",
        "captcha_oauth_bypass": [],
        "captcha_heartbeat": false,
        "google_one_tap_client_id": null,
        "clerk_js_version": "6",
        "show_devmode_warning": false,
        "terms_url": null,
        "privacy_policy_url": null,
    })
}

fn organization_settings() -> Value {
    json!({
        "enabled": true,
        "max_allowed_memberships": 100,
        "force_organization_selection": false,
        "actions": { "admin_delete": false },
        "domains": { "enabled": false, "enrollment_modes": [], "default_role": null },
        "slug": { "disabled": false },
    })
}

fn attribute(enabled: bool, required: bool, first_factors: &[&str]) -> Value {
    json!({
        "enabled": enabled,
        "required": required,
        "used_for_first_factor": !first_factors.is_empty(),
        "first_factors": first_factors,
        "used_for_second_factor": false,
        "second_factors": [],
        "verifications": [],
        "verify_at_sign_up": false,
    })
}

fn user_settings() -> Value {
    let off = attribute(false, false, &[]);
    json!({
        "attributes": {
            "email_address": attribute(true, true, &["ticket"]),
            "password": attribute(true, true, &[]),
            "username": off,
            "phone_number": off,
            "web3_wallet": off,
            "first_name": off,
            "last_name": off,
            "authenticator_app": off,
            "backup_code": off,
            "passkey": off,
        },
        "actions": { "delete_self": false, "create_organization": false },
        "social": {},
        "saml": { "enabled": false },
        "enterprise_sso": { "enabled": false },
        "sign_in": { "second_factor": { "required": false, "enabled": false } },
        "sign_up": {
            "captcha_enabled": false, "captcha_widget_type": "smart", "custom_action_required": false,
            "progressive": true, "mode": "restricted", "legal_consent_enabled": false,
        },
        "password_settings": {
            "disable_hibp": true, "min_length": 8, "max_length": 72, "require_special_char": false,
            "require_numbers": false, "require_uppercase": false, "require_lowercase": false,
            "show_zxcvbn": false, "min_zxcvbn_strength": 0, "allowed_special_characters": "",
        },
        "passkey_settings": { "allow_autofill": false, "show_sign_in_button": false },
        "username_settings": { "min_length": 4, "max_length": 64 },
    })
}

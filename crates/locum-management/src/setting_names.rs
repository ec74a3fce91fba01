//! The settings of a tenant, by name.

/// The fields of a tenant that Locum reads.
pub(crate) const OWN: [&str; 3] = ["delegation", "former_issuers", "trusted_issuers"];

/// Auth0's, which are kept.
pub(crate) const AUTH0: [&str; 33] = [
    "acr_values_supported",
    "allow_organization_name_in_authentication_api",
    "allowed_logout_urls",
    "change_password",
    "customize_mfa_in_postlogin_action",
    "default_audience",
    "default_directory",
    "default_redirection_uri",
    "default_token_quota",
    "device_flow",
    "enabled_locales",
    "ephemeral_session_lifetime",
    "error_page",
    "flags",
    "friendly_name",
    "guardian_mfa_page",
    "idle_ephemeral_session_lifetime",
    "idle_session_lifetime",
    "mtls",
    "oidc_logout",
    "picture_url",
    "pushed_authorization_requests_supported",
    "sandbox_version",
    "session_cookie",
    "session_lifetime",
    "sessions",
    "skip_non_verifiable_callback_uri_confirmation_prompt",
    "resource_parameter_profile",
    "support_email",
    "support_url",
    "universal_login",
    "authorization_response_iss_parameter_supported",
    "enable_ai_guide",
];

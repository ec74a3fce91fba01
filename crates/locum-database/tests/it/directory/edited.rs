//! Rows of users and refresh tokens that somebody has edited by hand, and master keys that do not open what is served.

use locum_engine::ports::{RefreshTokenHash, RefreshTokens};
use locum_testing::refresh_token;

use super::*;

#[tokio::test]
async fn a_user_whose_row_was_edited_by_hand_is_unavailable_and_no_other_is() {
    for nonsense in
        ["", "{", "[]", "{}", r#"{"user_id":"auth0|bob"}"#, r#"{"user_id":"auth0|alice","blocked":"no"}"#]
    {
        for place in Place::each() {
            let database = with_acme(&place).await;
            place
                .ask(&format!("UPDATE users SET document = '{nonsense}' WHERE user_id = 'auth0|alice'"))
                .await;
            let directory = directory(&database).await;
            user(&directory, "auth0|alice").await.unwrap_err();
            assert!(user(&directory, "auth0|mallory").await.unwrap().unwrap().blocked);
        }
    }
}

#[tokio::test]
async fn a_refresh_token_whose_row_was_edited_by_hand_is_unavailable_and_no_other_is() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let hash = |number: u8| RefreshTokenHash::from_bytes([number; 32]);
        for number in [1, 2] {
            let token = refresh_token(&number.to_string());
            assert_eq!(database.add(ACME, hash(number), token).wait().await, Ok(true));
        }
        place.ask("UPDATE refresh_tokens SET act = '{' WHERE family = '1'").await;
        let why = database.find(ACME, &hash(1)).wait().await.unwrap_err().to_string();
        assert!(!why.contains("auth0|"), "{why}");
        assert!(database.find(ACME, &hash(2)).wait().await.unwrap().is_some());
        place.ask("UPDATE refresh_tokens SET act = NULL WHERE family = '1'").await;
        assert!(database.find(ACME, &hash(1)).wait().await.unwrap().is_some());
    }
}

#[tokio::test]
async fn master_keys_that_do_not_open_what_is_served_are_not_taken() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let directory = directory(&database).await;
        for lines in [&KEYS[1..2], &KEYS[2..3]] {
            let refused = directory.replace_keys(keys(lines)).await.unwrap_err().to_string();
            assert!(refused.contains("do not open what is served of acme.example.com"), "{refused}");
            assert!(client(&directory, "storage").await.unwrap().is_some(), "the keys stay too");
        }
        directory.replace_keys(keys(&[KEYS[1], KEYS[0]])).await.unwrap();
        assert!(client(&directory, "storage").await.unwrap().is_some());
    }
}

// Prints an access token of the client credentials grant.
const { url, clientId, clientSecret } = JSON.parse(process.argv[2]);

const body = new URLSearchParams({ grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret });
const response = await fetch(url, { method: "POST", body });
console.log((await response.json()).access_token);

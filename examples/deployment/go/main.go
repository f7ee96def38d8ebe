// Signs a deployment for one visitor, on your server. The page passes the result to accredit.init as `signed_deployment`.
//
//	DEPLOYMENT_KEY="$(cat key.jwk)" go run main.go DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"math/big"
	"os"
	"time"
)

// Properties of a deployment. An empty UID is an anonymous visit. SignDeployment fills in the times.
type Properties struct {
	DeployerID    string `json:"deployer_id"`
	IntegrationID string `json:"integration_id"`
	OwnerID       string `json:"owner_id"`
	UID           string `json:"uid,omitempty"`
	IssuedAt      int64  `json:"iat"`
	Expires       int64  `json:"exp"`
}

// SignDeployment returns a token that is good for five minutes.
func SignDeployment(key *ecdsa.PrivateKey, properties Properties) (string, error) {
	properties.IssuedAt = time.Now().Unix()
	properties.Expires = properties.IssuedAt + 300
	payload, err := json.Marshal(properties)
	if err != nil {
		return "", err
	}
	signingInput := base64url.EncodeToString([]byte(`{"alg":"ES512"}`)) + "." + base64url.EncodeToString(payload)
	digest := sha512.Sum512([]byte(signingInput))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return "", err
	}
	// RFC 7518 section 3.4: r and s side by side, 66 bytes each.
	signature := make([]byte, 132)
	r.FillBytes(signature[:66])
	s.FillBytes(signature[66:])
	return signingInput + "." + base64url.EncodeToString(signature), nil
}

// ReadKey reads a private JWK.
func ReadKey(privateJWK []byte) (*ecdsa.PrivateKey, error) {
	var jwk struct{ Crv, X, Y, D string }
	if err := json.Unmarshal(privateJWK, &jwk); err != nil {
		return nil, err
	}
	public := ecdsa.PublicKey{Curve: elliptic.P521(), X: number(jwk.X), Y: number(jwk.Y)}
	key := &ecdsa.PrivateKey{PublicKey: public, D: number(jwk.D)}
	if jwk.Crv != "P-521" || !key.Curve.IsOnCurve(key.X, key.Y) {
		return nil, fmt.Errorf("not a private JWK on P-521")
	}
	return key, nil
}

var base64url = base64.RawURLEncoding

func number(text string) *big.Int {
	octets, _ := base64url.DecodeString(text)
	return new(big.Int).SetBytes(octets)
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 4 || len(os.Args) > 5 {
		log.Fatal("usage: sign DEPLOYER_ID INTEGRATION_ID OWNER_ID [UID]")
	}
	key, err := ReadKey([]byte(os.Getenv("DEPLOYMENT_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	properties := Properties{DeployerID: os.Args[1], IntegrationID: os.Args[2], OwnerID: os.Args[3]}
	if len(os.Args) > 4 {
		properties.UID = os.Args[4]
	}
	token, err := SignDeployment(key, properties)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token)
}

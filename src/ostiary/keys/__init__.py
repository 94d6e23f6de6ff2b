"""All cryptography of Ostiary: signing keys, envelope encryption, random bytes. Nobody else imports a crypto library."""

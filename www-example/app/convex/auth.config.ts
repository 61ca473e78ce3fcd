// Whose tokens the deployment accepts: those of your Clerk instance, from its JWT template "convex". Set
// CLERK_JWT_ISSUER_DOMAIN in the deployment's environment to the template's issuer. The template needs
// `{ "aud": "convex", "name": "{{user.full_name}}", "org_id": "{{org.id}}" }`.
import type { AuthConfig } from "convex/server";

declare const process: { env: { CLERK_JWT_ISSUER_DOMAIN: string } };

export default {
  providers: [{ domain: process.env.CLERK_JWT_ISSUER_DOMAIN, applicationID: "convex" }],
} satisfies AuthConfig;

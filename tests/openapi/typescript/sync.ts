// What an integrator writes with openapi-fetch. The test compiles it with the types made of openapi.yaml.
import createClient from "openapi-fetch";
import type { components, paths } from "./contacts.js";

const client = createClient<paths>({
  baseUrl: "https://api.example.com",
  headers: { Authorization: "Bearer sflo_live_…" },
});

export async function sync(rows: components["schemas"]["BatchContact"][]): Promise<string[]> {
  const { data, error } = await client.POST("/v1/contacts/batch", {
    params: { header: { "Idempotency-Key": "import-1" }, query: { match: "alias" } },
    body: { contacts: rows },
  });
  if (error) throw new Error(`${error.error.code}: ${error.error.error_data?.details ?? error.error.message}`);
  return data.results.flatMap((result) => ("error" in result ? [result.error.message] : []));
}

export async function* contacts(): AsyncGenerator<components["schemas"]["ContactWithTags"]> {
  for (let cursor: string | undefined; ; ) {
    const { data, error } = await client.GET("/v1/contacts", { params: { query: { limit: 100, cursor } } });
    if (error) throw new Error(error.error.fbtrace_id);
    yield* data.data;
    if (data.nextCursor === null) return;
    cursor = data.nextCursor;
  }
}

export async function follow(cursor: string, mirror: Map<string, components["schemas"]["ContactWithTags"]>): Promise<string> {
  const { data, error } = await client.GET("/v1/changes", { params: { query: { cursor } } });
  if (error) throw new Error(error.error.error_data?.reason === "cursor_expired" ? "list again" : error.error.message);
  for (const change of data.data) if (change.type === "contact.deleted") mirror.delete(change.contactId);
  for (const contact of data.contacts) mirror.set(contact.id, contact);
  return data.nextCursor;
}

export async function tag(contactId: string, tagId: string): Promise<void> {
  const path = { contactId };
  const { data } = await client.GET("/v1/contacts/{contactId}", { params: { path } });
  const name: string | null | undefined = data?.displayName;
  if (name === "nobody" || data?.tagAssignments.some((each) => each.tagId === tagId && each.source === "API")) return;
  await client.PATCH("/v1/contacts/{contactId}", { params: { path }, body: { display_name: null } });
  await client.POST("/v1/contacts/{contactId}/tags", { params: { path }, body: { tag_id: tagId, reason: "asked" } });
  // @ts-expect-error: a body needs its required fields
  await client.POST("/v1/contacts/{contactId}/tags", { params: { path }, body: { reason: "asked" } });
  // @ts-expect-error: an answer has no other fields
  console.log(data?.name);
}

/** The report of imagegate check, by config/findings.schema.json: `npm run generate` writes this file. */

export type Count = number;
/**
 * The path as it was given, or as found below that; `-` for standard input
 */
export type File = string;
/**
 * From 1
 */
export type Line = number;
/**
 * In characters, from 1
 */
export type Column = number;
/**
 * Which document of the file, from 0
 */
export type Document = number;
export type Rule =
  "invalid-reference" | "missing-tag" | "untrusted-registry" | "blocked-tag" | "missing-digest" | "pull-policy";

/**
 * What `imagegate check -o json` writes. With -o ndjson, each entry of the lists is a line with `type: finding`, `trouble` or `notJudged`, and the summary is the last line, with `type: summary`.
 */
export interface FindingsOfImageGate {
  /**
   * As `summary.policy.hash`; this and the next three are the names of the first version
   */
  policyHash?: string;
  allowed?: Count;
  denied?: Count;
  /**
   * What could not be read or understood, together
   */
  unreadable?: number;
  summary: Summary;
  /**
   * The images, in the order in which they were read
   */
  findings: Finding[];
  /**
   * What could not be read or understood
   */
  troubles: Trouble[];
  /**
   * Values that look like images, in fields that are not known to hold any
   */
  notJudged?: NotJudged[];
  /**
   * Tags that stand for more than one digest where they run, with the digests
   */
  movedTags?: {
    [k: string]: string[];
  };
}
export interface Summary {
  /**
   * The policy that judged
   */
  policy: {
    /**
     * The path, or other words for where it was taken from
     */
    source: string;
    hash: string;
  };
  /**
   * Kubernetes objects, those without images included
   */
  objects: number;
  /**
   * Images that were judged
   */
  images: number;
  allowed: Count;
  denied: Count;
  warned: Count;
  audited: Count;
  exempted: Count;
  /**
   * Images that broke a rule before the change, too; in no other count but `images`
   */
  known: number;
  /**
   * Images of objects that the gate is not asked about; in no other count but `images`
   */
  outOfReach: number;
  /**
   * Files and documents that are no manifests
   */
  skipped: number;
  notJudged: Count;
  notUnderstood: Count;
  unreadable: Count;
}
export interface Finding {
  /**
   * As `decision`; with `object`, a name of the first version, and not in the lines of ndjson
   */
  answer?: string;
  /**
   * The kind and the name
   */
  object?: string;
  /**
   * What becomes of the image
   */
  decision: "allow" | "exempt" | "audit" | "warn" | "deny";
  /**
   * The mode that applied
   */
  mode: "enforce" | "warn" | "audit";
  file?: File;
  line?: Line;
  column?: Column;
  document?: Document;
  kind?: string;
  /**
   * The namespace that the image was judged for
   */
  namespace?: string;
  name?: string;
  /**
   * Path of the field: `spec.containers[0].image`
   */
  field?: string;
  /**
   * The container's name, or the volume's
   */
  container?: string;
  /**
   * As written; null where the object leaves it out
   */
  image: string | null;
  /**
   * The canonical form; missing where there is none
   */
  reference?: {
    registry: string;
    repository: string;
    tag?: string;
    digest?: string;
  };
  /**
   * The first rule that it breaks, which decides
   */
  rule?: "invalid-reference" | "missing-tag" | "untrusted-registry" | "blocked-tag" | "missing-digest" | "pull-policy";
  /**
   * The text that the webhook answers with
   */
  message?: string;
  /**
   * What to do about it
   */
  hint?: string;
  /**
   * Every rule that it breaks, the deciding one first
   */
  violations?: {
    rule: Rule;
    message: string;
  }[];
  /**
   * The override that applied
   */
  override?: string;
  /**
   * The exemption that let it through
   */
  exemption?: {
    name: string;
    reason: string;
  };
  /**
   * Who made the object, at the top: `Deployment shop` of a Pod; of a live cluster only
   */
  owner?: string;
  /**
   * The digest of what runs, as the node said it; of a live cluster only
   */
  running?: string;
  /**
   * Why the gate is not asked about the object; it fails nothing then
   */
  outOfReach?: "opted-out" | "excluded" | "not-registered";
  /**
   * It was there before the change that is judged, and fails nothing
   */
  known?: true;
}
export interface Trouble {
  kind: "unreadable" | "not-understood";
  file?: File;
  line?: Line;
  column?: Column;
  document?: Document;
  message: string;
  /**
   * What to do about it
   */
  hint?: string;
}
export interface NotJudged {
  file?: File;
  line?: Line;
  column?: Column;
  document?: Document;
  kind?: string;
  namespace?: string;
  name?: string;
  field: string;
  image: string;
}

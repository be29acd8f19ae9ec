import { z } from "zod";

/** Regions near which Cloudflare can be asked to create a Durable Object ("Data location", Durable Objects documentation). */
const regions = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const;
export const RegionSchema = z.enum(regions);
export type Region = z.infer<typeof RegionSchema>;

/** What Cloudflare says of where a request comes from; each part can be missing. Degrees come as text. */
const OriginSchema = z.object({
  continent: z.string().optional(),
  country: z.string().optional(),
  longitude: z.coerce.number().optional().catch(undefined),
});

/** Countries of the continents Asia and Africa, and Turkey, that are near the region `me`. */
const middleEast = new Set("AE BH EG IL IQ IR JO KW LB OM PS QA SA SY TR YE".split(" "));

/** Degrees east at which the west of a continent ends: the Mississippi's basin, and Germany's eastern border. */
const borders = { NA: -100, EU: 15 } as const;

/** The region from which a request comes, by the agreement of the platform; null where it does not say. */
export const regionOf = (cf: unknown): Region | null => {
  const { continent, country = "", longitude } = OriginSchema.safeParse(cf).data ?? {};
  if (middleEast.has(country)) return "me";
  switch (continent) {
    case "NA":
      return longitude !== undefined && longitude < borders.NA ? "wnam" : "enam";
    case "EU":
      return longitude !== undefined && longitude > borders.EU ? "eeur" : "weur";
    case "SA":
      return "sam";
    case "AS":
      return "apac";
    case "OC":
      return "oc";
    case "AF":
      return "afr";
    default:
      return null;
  }
};

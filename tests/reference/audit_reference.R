# The audit, a second time and by other hands: cells of the specification curve, and every nutrient's model.
#
#   Rscript audit_reference.R RAW_DIR CELLS_CSV OUT_DIR
#
# RAW_DIR as for nhanes_reference.R, whose derivations (and, of trials and EI:BMR, those of referee_reference.R) are used; nothing of the Python code is. CELLS_CSV
# holds study_id and the choices of some cells: weights, outcome, sample, covariates, energy, knots. What these mean is
# written out here from their definitions.
# Made with R 4.2.2, survey 4.1.1, Hmisc 4.8.0, foreign 0.8.84, on 2026-11-23.
#
# R goes on where a stratum has people of the domain in one PSU only, counting its other PSUs as zero; the Python code
# refuses. So such strata are named here (lonely_strata), for its refusals to be held to.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "referee_reference.R"))

# The four letters after DRXT (1999-2002) and DR1T (2003-2004) in the codebooks of the total-nutrient files.
NUTRIENTS <- c(
  energy_kcal = "KCAL", protein_g = "PROT", carbohydrate_g = "CARB", total_fat_g = "TFAT", saturated_fat_g = "SFAT",
  monounsaturated_fat_g = "MFAT", polyunsaturated_fat_g = "PFAT", cholesterol_mg = "CHOL", fiber_g = "FIBE",
  thiamin_mg = "VB1", riboflavin_mg = "VB2", niacin_mg = "NIAC", vitamin_b6_mg = "VB6", folate_ug = "FOLA",
  vitamin_b12_ug = "VB12", vitamin_c_mg = "VC", calcium_mg = "CALC", phosphorus_mg = "PHOS", magnesium_mg = "MAGN",
  iron_mg = "IRON", zinc_mg = "ZINC", copper_mg = "COPP", potassium_mg = "POTA", selenium_ug = "SELE",
  caffeine_mg = "CAFF", theobromine_mg = "THEO", alcohol_g = "ALCO",
  sfa_4_0_g = "S040", sfa_6_0_g = "S060", sfa_8_0_g = "S080", sfa_10_0_g = "S100", sfa_12_0_g = "S120",
  sfa_14_0_g = "S140", sfa_16_0_g = "S160", sfa_18_0_g = "S180",
  mfa_16_1_g = "M161", mfa_18_1_g = "M181", mfa_20_1_g = "M201", mfa_22_1_g = "M221",
  pfa_18_2_g = "P182", pfa_18_3_g = "P183", pfa_18_4_g = "P184", pfa_20_4_g = "P204", pfa_20_5_g = "P205",
  pfa_22_5_g = "P225", pfa_22_6_g = "P226")
DIET <- 3
BODY <- 4
SOURCES[[DIET]]$take[c("magnesium_mg", "phosphorus_mg", "energy_kcal")] <- NULL
SOURCES[[DIET]]$take <- c(SOURCES[[DIET]]$take, lapply(NUTRIENTS, function(letters) paste0(c("DRXT", "DR1T"), letters)),
                          list(sodium_mg = c("DRDTSODI", "DR1TSODI"),
                               moisture_g = c("DRXTWATE", "DRXTMOIS", "DR1TMOIS")))
SOURCES[[BODY]]$take$height_cm <- "BMXHT"

# ---- what the choices of a cell mean -------------------------------------------------------------------------------

SAMPLES <- list(
  all = list(cycles = CYCLES, r_where = ""),
  "500-6000 kcal" = list(cycles = CYCLES, r_where = "energy_kcal >= 500 & energy_kcal <= 6000"),
  "no diabetes" = list(cycles = CYCLES, r_where = "has_diabetes == 0"),
  "without 1999-2000" = list(cycles = c(2001, 2003), r_where = ""),
  "without 2001-2002" = list(cycles = c(1999, 2003), r_where = ""),
  "without 2003-2004" = list(cycles = c(1999, 2001), r_where = ""),
  "plausible reporters" = list(cycles = CYCLES, r_where = "ratio >= 0.87 & ratio <= 2.75"))
# No sample of the grid: one so small that strata are left with people in one PSU only.
SMALL <- list("other Hispanic" = list(cycles = CYCLES, r_where = "race_ethnicity_other_hispanic == 1"))
CELL_COVARIATES <- list("1" = MODEL_1, "2" = MODEL_2, "2 + height" = c(MODEL_2, "height_cm"))
PRIMARY <- list(weights = "dietary", outcome = "strict", sample = "all", covariates = "1", knots = "4")
NUTRIENT_FORMS <- c("none", "residual", "density", "spline")

# 1999-2000 and 2001-2002 together go by their 4-year weight, which stands for two of k cycles; any other cycle by its
# 2-year weight, one of k.
cell_weights <- function(people, kind, cycles) {
  if (kind == "none") return(rep(1, nrow(people)))
  by_four <- all(c(1999, 2001) %in% cycles) & people$cycle %in% c(1999, 2001)
  weight <- ifelse(by_four, people[[paste0(kind, "_4yr")]] * 2, people[[paste0(kind, "_2yr")]]) / length(cycles)
  ifelse(is.na(weight) | !people$cycle %in% cycles, 0, weight)
}

# The exposure and the columns that energy adds. Line, mean and knots are those of the cohort.
energy_form <- function(people, cohort, exposure, form) {
  x <- replace(people[[exposure]], !cohort, NA)
  energy <- people$energy_kcal
  if (form == "residual") {
    line <- coef(lm(x ~ energy, subset = cohort))
    x <- x - line[[1]] - line[[2]] * energy + mean(x[cohort])
  }
  if (form == "density") x <- x / (energy / 1000)
  columns <- switch(form, linear = people["energy_kcal"],
                    spline = data.frame(spline_columns(energy, type_7(energy[cohort], KNOT_PROBABILITIES[["4"]]),
                                                       "energy_kcal")))
  list(x = x, columns = columns)
}

cell_people <- function(people, choice, sample, exposure = "magnesium_mg") {
  cohort <- in_cohort(people, choice$outcome, sample$cycles, sample$r_where) & !is.na(people[[exposure]])
  weight <- cell_weights(people, choice$weights, sample$cycles)
  complete <- cohort & weight > 0 & complete.cases(people[CELL_COVARIATES[[choice$covariates]]])
  list(cohort = cohort, weight = weight, complete = complete)
}

# ---- people --------------------------------------------------------------------------------------------------------

# Strata that have several PSUs in the sample and people of the domain in one.
lonely_strata <- function(people, member) {
  psus <- function(rows) tapply(people$psu[rows], people$strata[rows], function(psu) length(unique(psu)))
  inside <- psus(member)
  paste(names(inside)[inside == 1 & psus(TRUE)[names(inside)] > 1], collapse = " ")
}

people_rows <- function(people, choice, samples) {
  do.call(rbind, lapply(names(samples), function(sample) {
    found <- cell_people(people, choice, samples[[sample]])
    member <- found$complete
    data.frame(choice[c("weights", "outcome")], sample, choice["covariates"], eligible = sum(found$cohort),
               n = sum(member), cases = sum(people[[choice$outcome]][member]),
               n_psu = nrow(unique(people[member, c("strata", "psu")])),
               n_strata = length(unique(people$strata[member])), total_weight = sum(found$weight[member]),
               lonely_strata = lonely_strata(people, member))
  }))
}

grid_people <- function(people) {
  choices <- expand.grid(covariates = names(CELL_COVARIATES), weights = c("dietary", "mec", "none"),
                         outcome = c("strict", "lenient", "both_feet", "two_sites", "any_tested"),
                         stringsAsFactors = FALSE)
  rows <- lapply(split(choices, seq_len(nrow(choices))), people_rows, people = people, samples = SAMPLES)
  do.call(rbind, c(rows, list(people_rows(people, PRIMARY, SMALL))))
}

# ---- one model -----------------------------------------------------------------------------------------------------

# Without domain and fit if knots coincide.
cell_fit <- function(people, choice, exposure, form) {
  found <- cell_people(people, choice, SAMPLES[[choice$sample]], exposure)
  adjusted <- energy_form(people, found$cohort, exposure, form)
  eligible <- adjusted$x[found$cohort]
  knots <- type_7(eligible, KNOT_PROBABILITIES[[choice$knots]])
  made <- list(name = exposure, eligible = eligible, knots = knots, reference = type_7(eligible, 0.5),
               n = sum(found$complete), cases = sum(people[[choice$outcome]][found$complete]),
               lonely_strata = lonely_strata(people, found$complete))
  if (any(diff(knots) <= 0)) return(made)
  spline <- spline_columns(adjusted$x, knots, exposure)
  columns <- data.frame(spline, people[CELL_COVARIATES[[choice$covariates]]])
  columns[colnames(adjusted$columns)] <- adjusted$columns
  made$domain <- study_domain(people, found$weight, choice$outcome, columns, found$complete)
  stopifnot(nrow(made$domain) == made$n)
  made$fit <- fit_domain(made$domain, "y", varying(made$domain, names(columns)))
  made
}

nonlinear_row <- function(id, made) {
  wald <- regTermTest(made$fit, reformulate(paste0(made$name, "_s", seq_len(length(made$knots) - 2))), method = "Wald")
  data.frame(study_id = id, test = "nonlinear", method = "wald", statistic = wald$Ftest, df_num = wald$df,
             df_den = wald$ddf, p_value = wald$p)
}

# Up to the first knot and from the last on the spline is a line, and a difference quotient outwards is its slope.
end_rows <- function(id, made) {
  x <- type_7(made$eligible, c(0.05, 0.95))
  knots <- made$knots
  step <- c(-1, 1) * (max(knots) - min(knots))
  stopifnot(x[1] <= min(knots), x[2] >= max(knots))
  rows <- (spline_columns(x + step, knots, made$name) - spline_columns(x, knots, made$name)) / step
  terms <- colnames(rows)
  slope <- drop(rows %*% coef(made$fit)[terms])
  std_error <- sqrt(rowSums((rows %*% vcov(made$fit)[terms, terms]) * rows))
  df <- made$fit$df.residual
  t <- slope / std_error
  data.frame(study_id = id, end = c("low", "high"), x, estimate = slope, std_error, statistic = t, df,
             p_value = c(pt(t[1], df), pt(t[2], df, lower.tail = FALSE)))
}

# Slopes at each pair of ends, and levels there against the median; all one-sided, towards a U.
ENDS <- list(p5_p95 = c(0.05, 0.95), p10_p90 = c(0.10, 0.90), p15_p85 = c(0.15, 0.85), p20_p80 = c(0.20, 0.80))

both_ends_rows <- function(id, made) {
  df <- made$fit$df.residual
  middle <- spline_columns(type_7(made$eligible, 0.5), made$knots, made$name)
  do.call(rbind, lapply(names(ENDS), function(ends) {
    x <- type_7(made$eligible, ENDS[[ends]])
    basis <- spline_columns(x, made$knots, made$name)
    slopes <- contrast_rows(made$fit, spline_slopes(x, made$knots), colnames(basis))
    heights <- contrast_rows(made$fit, basis - middle[c(1, 1), ], colnames(basis))
    data.frame(study_id = id, ends, end_low_p = pt(slopes$t[1], df), end_high_p = pt(slopes$t[2], df, lower.tail = FALSE),
               level_low_p = pt(heights$t[1], df, lower.tail = FALSE),
               level_high_p = pt(heights$t[2], df, lower.tail = FALSE))
  }))
}

cell_rows <- function(cell, people) {
  id <- cell$study_id
  made <- cell_fit(people, cell, "magnesium_mg", cell$energy)
  marks <- type_7(made$eligible, c(0.1, 0.9))
  list(audit_samples = sample_row(id, made$domain, made$fit, made$reference),
       audit_knots = data.frame(study_id = id, index = seq_along(made$knots), knot = made$knots),
       audit_fits = fit_rows(id, made$fit)[c("study_id", "term", "estimate", "std_error")],
       audit_tests = nonlinear_row(id, made),
       audit_curve = curve_rows(id, made$fit, marks, made$knots, made$reference, made$name),
       audit_end_slopes = end_rows(id, made), audit_both_ends = both_ends_rows(id, made))
}

nutrient_row <- function(people, exposure, form) {
  made <- cell_fit(people, PRIMARY, exposure, form)
  row <- data.frame(exposure, form, made[c("n", "cases", "lonely_strata", "reference")],
                    knots = paste(exact(made$knots), collapse = " "))
  unknown <- data.frame(residual_df = NA, nonlinear_p = NA, end_low_p = NA, end_high_p = NA)
  if (is.null(made$fit)) return(cbind(row, coincide = 1, unknown))
  ends <- end_rows("", made)
  cbind(row, coincide = 0, residual_df = made$fit$df.residual, nonlinear_p = nonlinear_row("", made)$p_value,
        end_low_p = ends$p_value[1], end_high_p = ends$p_value[2])
}

# Energy is not adjusted for itself.
nutrient_rows <- function(people) {
  do.call(rbind, lapply(c(names(NUTRIENTS), "sodium_mg", "moisture_g"), function(exposure) {
    forms <- if (exposure == "energy_kcal") "none" else NUTRIENT_FORMS
    do.call(rbind, lapply(forms, nutrient_row, people = people, exposure = exposure))
  }))
}

main_audit <- function(arguments) {
  if (length(arguments) != 3) stop("usage: Rscript audit_reference.R RAW_DIR CELLS_CSV OUT_DIR")
  people <- read_referee(arguments[1])
  cells <- read.csv(arguments[2], colClasses = "character")
  write_tables(lapply(split(cells, factor(cells$study_id, cells$study_id)), cell_rows, people = people), arguments[3])
  write_table(grid_people(people), arguments[3], "audit_people")
  write_table(nutrient_rows(people), arguments[3], "audit_nutrients")
}

if (sys.nframe() == 0L) main_audit(commandArgs(TRUE))
